"""Frame by frame: what was concluded is passed on, and how long it took is known."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from agent.access.gate import Gate, GateSettings
from agent.recognise import Recogniser
from agent.types import Reason
from agent.vision.quality import QualityLimits
from agent.visits import Visits
from tests.fakes.eyes import BEGAN, FakeEyes, Visitor, frames, known

ANNA, STRANGER = Visitor("anna"), Visitor("erik")
VISIT = [[ANNA]] * 10 + [[]] * 20


class Hall:
    """Visits over a real gate behind scripted eyes."""

    def __init__(self):
        self.eyes, self.seen = FakeEyes([]), []
        gate = Gate(GateSettings(), camera="camera", threshold=0.5)
        self.recogniser = Recogniser(self.eyes, gate, limits=QualityLimits(), known=known("anna", "ben"))
        self.visits = Visits(self.recogniser, self.seen.append)

    def see(self, script):
        first = len(self.eyes.script)
        self.eyes.script += script
        for frame in frames(len(script), first=first):
            self.visits.see(frame, time.perf_counter())


@pytest.fixture
def hall():
    return Hall()


def test_a_visit_is_told_once_with_its_latency(hall):
    hall.see(VISIT)
    (sighting,) = hall.seen
    assert (sighting.reason, sighting.person, sighting.at) == (Reason.MATCH, "anna", BEGAN + timedelta(seconds=0.1))
    assert 0 < sighting.latency_ms < 10_000
    assert (hall.visits.frames, hall.visits.began) == (30, BEGAN)


def test_nobody_is_nothing_to_tell(hall):
    hall.see([[]] * 20)
    hall.visits.finish()
    assert (hall.seen, hall.visits.frames) == ([], 20)
    assert "frame with a face" not in hall.recogniser.stopwatch.percentiles()


def test_frames_with_a_face_are_timed(hall):
    hall.see(VISIT)
    assert len(hall.recogniser.stopwatch._times["frame with a face"]) == 10


def test_the_end_tells_what_it_concludes_once(hall):
    hall.see([[STRANGER]] * 4)
    assert hall.seen == []
    hall.visits.finish()
    hall.visits.finish()
    assert [sighting.reason for sighting in hall.seen] == [Reason.UNKNOWN]


def test_the_end_before_the_first_frame(hall):
    hall.visits.finish()
    assert hall.seen == []


def test_the_time_is_that_of_the_last_frame_or_of_the_clock_before_the_first(hall):
    assert abs(hall.visits.at - datetime.now(UTC)) < timedelta(seconds=60)
    hall.see([[]] * 3)
    assert hall.visits.at == BEGAN + timedelta(seconds=0.2)


def test_while_the_camera_is_lent_nobody_is_recognised(hall):
    lent = []
    visits = Visits(hall.recogniser, hall.seen.append, lambda frame: len(lent) < 20 and not lent.append(frame))
    hall.eyes.script += [[ANNA]] * 40
    for frame in frames(40):
        visits.see(frame, time.perf_counter())
    assert len(lent) == 20
    (sighting,) = hall.seen
    assert (sighting.person, sighting.at >= BEGAN + timedelta(seconds=2)) == ("anna", True)


def test_who_went_away_meanwhile_is_concluded_as_ever(hall):
    lent = []
    visits = Visits(hall.recogniser, hall.seen.append, lambda _: bool(lent))
    hall.eyes.script += [[STRANGER]] * 3
    for frame in frames(3):
        visits.see(frame, time.perf_counter())
    lent.append(True)
    for frame in frames(40, first=3):
        visits.see(frame, time.perf_counter())
    assert [sighting.person for sighting in hall.seen if sighting.reason is Reason.MATCH] == []
    assert hall.recogniser.near == {}
