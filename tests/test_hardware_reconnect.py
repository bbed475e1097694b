import contextlib
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.errors import CameraLost, HardwareError
from agent.hardware.cameras import CameraOptions
from agent.hardware.cameras.opencv import open_source
from agent.hardware.cameras.reconnect import Reconnecting
from agent.types import Frame
from tests.fakes import scenes
from tests.fakes.mjpeg import MjpegServer


class Flaky:
    """Gives `frames` frames, then is lost."""

    def __init__(self, frames, *, ends=False):
        self.left, self.seq, self.ends, self.closed = frames, 0, ends, 0

    def read(self):
        if self.left == 0:
            if self.ends:
                return None
            raise CameraLost("unplugged")
        self.left -= 1
        self.seq += 1
        return Frame(image=np.zeros((2, 2, 3), np.uint8), at=datetime.now(UTC), seq=self.seq - 1, camera="hall")

    def close(self):
        self.closed += 1


class Port:
    """What is plugged in each time somebody opens it; an error is raised."""

    def __init__(self, *things):
        self.things = iter(things)

    def __call__(self):
        thing = next(self.things)
        if isinstance(thing, Exception):
            raise thing
        return thing


def quick(port, **options):
    return Reconnecting(port, first_seconds=0.01, longest_seconds=0.05, **options)


def test_frames_pass_through():
    camera = quick(Port(Flaky(3, ends=True)))
    assert [frame.seq for frame in iter(camera.read, None)] == [0, 1, 2]


def test_a_loss_is_told_once_and_then_the_camera_is_opened_again_and_numbered_on():
    first, second = Flaky(2), Flaky(2)
    camera = quick(Port(first, second))
    assert [camera.read().seq, camera.read().seq] == [0, 1]
    with pytest.raises(CameraLost, match="unplugged"):
        camera.read()
    assert first.closed == 1
    assert [camera.read().seq, camera.read().seq] == [2, 3]


def test_each_attempt_that_fails_is_told_whatever_its_kind():
    camera = quick(Port(Flaky(0), HardwareError("no such device"), CameraLost("no answer"), Flaky(1)))
    for says in ("unplugged", "no such device", "no answer"):
        with pytest.raises(CameraLost, match=says):
            camera.read()
    assert camera.read().seq == 0


def test_the_waits_double_up_to_the_longest_and_begin_anew_after_a_frame():
    lost = [CameraLost("away")] * 6
    camera = Reconnecting(
        Port(Flaky(0), *lost, Flaky(1), Flaky(0)), first_seconds=0.02, longest_seconds=0.16, chance=lambda: 0.0
    )
    took = []
    for _ in range(9):
        start = time.monotonic()
        with contextlib.suppress(CameraLost):
            camera.read()
        took.append(time.monotonic() - start)
    floor = [0, 0.02, 0.04, 0.08, 0.16, 0.16, 0.16, 0.16, 0]  # the loss, six attempts, the one that works, the loss
    assert all(least <= t < least + 0.15 for t, least in zip(took, floor, strict=True)), took
    start = time.monotonic()
    with pytest.raises(CameraLost):
        camera.read()
    assert time.monotonic() - start < 0.12


def test_chance_shortens_a_wait_by_up_to_a_half():
    camera = Reconnecting(Port(Flaky(0), Flaky(1)), first_seconds=0.4, chance=lambda: 1.0)
    with pytest.raises(CameraLost):
        camera.read()
    start = time.monotonic()
    camera.read()
    assert 0.2 <= time.monotonic() - start < 0.38


def test_a_camera_that_does_not_answer_at_first_is_waited_for():
    camera = quick(Port(CameraLost("the stream does not answer"), Flaky(1)))
    assert camera.read().seq == 0


def test_a_camera_that_is_not_there_at_first_is_a_wrong_configuration():
    with pytest.raises(HardwareError, match="no such device"):
        quick(Port(HardwareError("no such device")))


def test_closing_ends_a_long_wait():
    inner = Flaky(0)
    camera = Reconnecting(Port(inner, Flaky(1)), first_seconds=3600, longest_seconds=3600)
    with pytest.raises(CameraLost):
        camera.read()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(camera.read()))
    waiting.start()
    time.sleep(0.05)
    camera.close()
    camera.close()
    waiting.join(5)
    assert answers == [None]
    assert inner.closed == 1


def test_a_camera_opened_while_being_closed_is_closed_too():
    opening, closed, late = threading.Event(), threading.Event(), Flaky(1)

    def slow():
        opening.set()
        assert closed.wait(5)
        return late

    camera = quick(Port(Flaky(0)))
    with pytest.raises(CameraLost):
        camera.read()
    camera._open_camera = slow
    answers = []
    reader = threading.Thread(target=lambda: answers.append(camera.read()))
    reader.start()
    assert opening.wait(5)
    camera.close()
    closed.set()
    reader.join(5)
    assert answers == [None]
    assert late.closed == 1


def test_a_loss_while_being_closed_is_an_end():
    inner = Flaky(0)
    camera = quick(Port(inner))
    inner.read = lambda: (camera.close(), Flaky(0).read())
    assert camera.read() is None


def test_a_network_camera_is_unplugged_and_comes_back():
    server = MjpegServer(scenes.numbered)
    camera = quick(lambda: open_source(CameraOptions(source=server.url)))
    try:
        before = camera.read()
        port = server.port
        server.close()
        with pytest.raises(CameraLost):
            list(iter(camera.read, None))
        with pytest.raises(CameraLost, match="does not answer"):
            camera.read()
        server = MjpegServer(scenes.numbered, port=port)
        deadline = time.monotonic() + 20
        after = None
        while after is None and time.monotonic() < deadline:
            try:
                after = camera.read()
            except CameraLost:
                continue
        assert after.seq > before.seq
        assert scenes.is_rgb(after.image)
    finally:
        camera.close()
        server.close()
