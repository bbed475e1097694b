"""What people see of themselves: never more than now, never more often than it should, nothing kept."""

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.gallery.sitting import Hint
from agent.glance import Glance
from agent.types import Box, Frame
from agent.vision.pictures import decode_picture
from agent.web.mirror import EVERY_SECONDS, NOBODY, STALE_SECONDS, WATCHERS, WIDEST, Mirror, watch

NEAR = Glance(Box(320, 120, 64, 96), Hint.LOOK_HERE)


def frame(width=640, height=480, small=None):
    return Frame(np.zeros((height, width, 3), np.uint8), datetime(2026, 11, 26, tzinfo=UTC), 1, "camera", small)


class Held(Mirror):
    """With a clock that is set."""

    def __init__(self):
        self.seconds = 100.0
        super().__init__(lambda: self.seconds)

    def later(self, seconds=EVERY_SECONDS):
        self.seconds += seconds
        return self


@pytest.fixture
def mirror():
    return Held()


def test_a_face_is_told_in_fractions_of_the_picture_with_its_hint(mirror):
    mirror.saw(frame(), NEAR)
    assert mirror.told() == {"kind": "face", "x": 0.55, "y": 0.35, "size": 0.2, "hint": "look_here"}


def test_nothing_is_told_twice_nor_too_often_and_once_that_nobody_is_there(mirror):
    assert mirror.told() is None
    mirror.saw(frame(), NEAR)
    assert mirror.told() is not None
    mirror.saw(frame(), Glance(NEAR.box, None))
    assert mirror.told() is None  # too soon
    assert mirror.later().told()["hint"] is None
    assert mirror.later().told() is None  # the same
    mirror.saw(frame(), None)
    assert mirror.later().told() == NOBODY
    assert mirror.later().told() is None


def test_a_camera_that_has_stopped_shows_nobody(mirror):
    mirror.saw(frame(), NEAR)
    assert mirror.told() is not None
    assert mirror.later(STALE_SECONDS + 0.1).told() == NOBODY
    assert mirror.picture() is None


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [
        pytest.param(frame(1280, 720), (180, WIDEST), id="wide"),
        pytest.param(frame(240, 320), (320, 240), id="small enough"),
        pytest.param(frame(1920, 1080, np.zeros((240, 300, 3), np.uint8)), (240, 300), id="made small by the camera"),
    ],
)
def test_the_picture_is_small(mirror, taken, wanted):
    mirror.saw(taken, NEAR)
    _, jpeg = mirror.picture()
    assert decode_picture(jpeg).shape[:2] == wanted


def test_it_is_made_once_for_all_who_watch_and_let_go_of(mirror):
    mirror.saw(frame(), NEAR)
    sight, jpeg = mirror.picture()
    assert mirror.picture()[1] is jpeg
    assert mirror.picture(sight) is None  # no news
    mirror.saw(frame(), None)
    assert mirror.picture(sight) is None
    assert mirror._made is None
    mirror.saw(frame(), NEAR)
    mirror.close()
    assert mirror.picture() is None


def test_so_many_watch_and_whoever_goes_or_never_begins_makes_room(mirror):
    async def ask():
        watching = [await watch(mirror, lambda: True) for _ in range(WATCHERS)]
        assert await watch(mirror, lambda: True) is None
        await watching.pop().aclose()
        watching.append(await watch(mirror, lambda: True))
        assert await watch(mirror, lambda: True) is None
        watching.clear()
        for _ in range(5):  # the event loop closes what nobody holds any more
            await asyncio.sleep(0)
        return mirror.watchers

    assert asyncio.run(ask()) == 0


def test_the_pictures_end_with_the_mirror_and_where_they_may_not_go_on(mirror):
    async def taken(stream):
        return [piece async for piece in stream]

    async def ask():
        ended = await taken(await watch(mirror, lambda: False))
        mirror.close()
        return ended, await taken(await watch(mirror, lambda: True))

    assert asyncio.run(ask()) == ([b"--frame\r\n"], [b"--frame\r\n"])
