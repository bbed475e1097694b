"""From frames to conclusions: a real tracker, gate and gallery behind scripted eyes."""

import threading
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from agent.access.gate import Gate, GateSettings
from agent.recognise import Recogniser
from agent.types import Reason
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from agent.vision.eyes import Eyes
from agent.vision.motion import MotionGate
from agent.vision.quality import QualityLimits
from tests.fakes import models
from tests.fakes.eyes import BEGAN, FPS, GOOD, MODEL, FakeEyes, Visitor, frames, known

ANNA, BEN, STRANGER = Visitor("anna"), Visitor("ben"), Visitor("erik")
DARK = replace(GOOD, exposure=5.0)


def recogniser(eyes, *, people=("anna", "ben"), motion=None):
    gate = Gate(GateSettings(), camera="camera", threshold=0.5)
    return Recogniser(eyes, gate, limits=QualityLimits(), known=known(*people), motion=motion)


def shown(script, **options):
    """All conclusions of a script, its end included, and the recogniser."""
    looking = recogniser(FakeEyes(script), **options)
    sightings = [sighting for frame in frames(len(script)) for sighting in looking.see(frame)]
    return sightings + looking.finish(BEGAN + timedelta(seconds=len(script) / FPS)), looking


def told(sightings):
    return [(sighting.reason, sighting.person) for sighting in sightings]


def test_ten_seconds_at_the_door_are_one_sighting():
    (sighting,), looking = shown([[]] * 10 + [[ANNA]] * 100 + [[]] * 30)
    assert (sighting.reason, sighting.person, sighting.repeat) == (Reason.MATCH, "anna", False)
    assert sighting.at == BEGAN + timedelta(seconds=1.1)  # with the second shot
    assert (sighting.shots, sighting.agreeing, sighting.quality, sighting.threshold) == (2, 2, GOOD, 0.5)
    assert looking.eyes.embedded <= 2 + 10  # and now and then, whether it is still the same
    assert looking.eyes.looks == 140


def test_nobody():
    sightings, looking = shown([[]] * 50)
    assert sightings == []
    assert looking.faces == 0
    assert list(looking.stopwatch.percentiles()) == ["detect"]


def test_two_people_at_once():
    script = [[replace(ANNA, x=60), replace(BEN, x=400)]] * 30
    sightings, looking = shown(script)
    assert sorted(told(sightings)) == [(Reason.MATCH, "anna"), (Reason.MATCH, "ben")]
    assert len({sighting.track for sighting in sightings}) == 2
    assert looking.faces == 2


def test_a_known_person_beside_a_stranger():
    sightings, _ = shown([[replace(ANNA, x=60), replace(STRANGER, x=400)]] * 45)
    assert sorted(told(sightings)) == [(Reason.MATCH, "anna"), (Reason.UNKNOWN, None)]


def test_a_stranger_is_refused_and_not_in_every_frame():
    sightings, _ = shown([[STRANGER]] * 100)
    assert told(sightings)[0] == (Reason.UNKNOWN, None)
    assert 1 <= len(sightings) <= 3


def test_nobody_is_enrolled():
    sightings, _ = shown([[STRANGER]] * 20, people=())
    assert told(sightings) == [(Reason.EMPTY_GALLERY, None)]


def test_somebody_walks_past_far_away():
    small = replace(GOOD, face_px=30)
    sightings, looking = shown([[Visitor("anna", x=20 * i, px=30, quality=small)] for i in range(30)] + [[]] * 20)
    assert sightings == []
    assert looking.eyes.embedded == 0
    assert looking.gate.passed_by == 1


def test_near_but_too_dark():
    (sighting,), looking = shown([[replace(ANNA, quality=DARK)]] * 50)
    assert sighting.reason is Reason.POOR_QUALITY
    assert "too dark: 5 of 255" in sighting.detail
    assert looking.eyes.embedded == 0


def test_gone_for_half_a_minute_is_another_visit():
    sightings, _ = shown([[ANNA]] * 20 + [[]] * 300 + [[ANNA]] * 20)
    assert [(s.person, s.repeat) for s in sightings] == [("anna", False), ("anna", False)]


def test_gone_for_three_seconds_is_the_same_visit():
    sightings, _ = shown([[ANNA]] * 20 + [[]] * 30 + [[ANNA]] * 20)
    assert [(s.person, s.repeat) for s in sightings] == [("anna", False), ("anna", True)]


def test_missed_for_a_moment_is_the_same_track():
    sightings, _ = shown(([[ANNA]] * 5 + [[]] * 2) * 10)
    assert told(sightings) == [(Reason.MATCH, "anna")]


def test_another_person_in_the_same_place_is_another_visit():
    """Boxes alone would take ben for anna, who has been let in."""
    sightings, _ = shown([[ANNA]] * 30 + [[BEN]] * 40)
    assert told(sightings) == [(Reason.MATCH, "anna"), (Reason.MATCH, "ben")]
    assert sightings[0].track != sightings[1].track


def test_the_end_concludes_what_was_begun():
    sightings, looking = shown([[STRANGER]] * 4)
    assert told(sightings) == [(Reason.UNKNOWN, None)]
    assert looking.finish(BEGAN + timedelta(seconds=9)) == []


def test_the_end_of_a_glimpse_concludes_nothing():
    sightings, looking = shown([[ANNA]])
    assert sightings == []
    assert looking.gate.passed_by == 1


def test_people_change_between_two_frames():
    looking = recogniser(FakeEyes([[ANNA]] * 100), people=("ben",))
    early = [s for frame in frames(8) for s in looking.see(frame)]
    changing = threading.Thread(target=lambda: setattr(looking, "known", known("anna", "ben", threshold=0.7)))
    changing.start()
    changing.join()
    late = [s for frame in frames(72, first=8) for s in looking.see(frame)]
    assert early == []
    assert told(late)[-1] == (Reason.MATCH, "anna")
    assert {s.threshold for s in late} == {0.7}


def test_every_stage_is_timed():
    _, looking = shown([[ANNA]] * 5, motion=MotionGate())
    assert list(looking.stopwatch.percentiles()) == ["motion", "detect", "align", "encode", "match"]


# The motion gate


def with_motion(script, paint):
    looking = recogniser(FakeEyes(script), motion=MotionGate())
    return [s for frame in frames(len(script), paint=paint) for s in looking.see(frame)], looking


def grey(_):
    return np.full((60, 80, 3), 90, np.uint8)


def test_an_empty_hall_is_hardly_looked_at():
    sightings, looking = with_motion([[]] * 100, grey)
    assert sightings == []
    assert looking.eyes.looks <= 35  # two seconds after the start, then once a second


def test_who_comes_is_seen_and_who_stands_still_stays_seen():
    def paint(n):
        image = grey(n)
        if n >= 50:
            image[20:40, 30:45] = 200
        return image

    script = [[]] * 50 + [[ANNA]] * 60
    sightings, looking = with_motion(script, paint)
    assert told(sightings) == [(Reason.MATCH, "anna")]
    assert sightings[0].at == BEGAN + timedelta(seconds=5.1)
    assert looking.eyes.looks >= 60 + 5


def test_who_has_gone_is_let_go_without_a_look():
    script = [[STRANGER]] * 4 + [[]] * 100
    sightings, looking = with_motion(script, grey)
    assert told(sightings) == [(Reason.UNKNOWN, None)]
    assert looking.faces == 0


# Real eyes


def test_a_face_that_is_no_face_is_refused():
    """All five landmarks in one place: infinitely turned away, nothing to align."""
    maps = models.empty_maps()
    models.plant(maps, 16, 7, 9, box=(100, 60, 200, 180), points=np.full((5, 2), 150.0))
    detector = Detector(models.detector(lambda: maps))
    eyes = Eyes(detector, lambda image, face: face, Encoder(models.encoder(lambda _: np.ones(5), dimension=5), MODEL))
    looking = recogniser(eyes)
    large = np.zeros((480, 640, 3), np.uint8)
    sightings = [s for frame in frames(45, paint=lambda _: large) for s in looking.see(frame)]
    assert told(sightings) == [(Reason.POOR_QUALITY, None)]
    assert "turned away" in sightings[0].detail


# The same again


def crowd(seed):
    """People who come, wander about, cross and go."""
    rng = np.random.default_rng(seed)
    script = [[] for _ in range(250)]
    for _ in range(8):
        person, start, length = rng.choice(["anna", "ben", "carl", "erik"]), rng.integers(0, 200), rng.integers(5, 80)
        place, pace = rng.uniform(0, 400, 2), rng.normal(0, 8, 2)
        quality = [GOOD, GOOD, DARK, replace(GOOD, face_px=40.0)][rng.integers(4)]
        for n in range(start, min(start + length, 250)):
            x, y = (place + pace * (n - start) + rng.normal(0, 3, 2)).round(2)
            script[n].append(Visitor(str(person), x=float(x), y=float(y), quality=quality))
    return script


@pytest.mark.parametrize("seed", range(5))
def test_the_same_frames_give_the_same_sightings(seed):
    first, _ = shown(crowd(seed), people=("anna", "ben", "carl"))
    second, _ = shown(crowd(seed), people=("anna", "ben", "carl"))
    assert first == second
    assert first


def test_a_claim_compares_with_one_person_alone():
    looking = recogniser(FakeEyes([[ANNA]] * 300))
    shots = frames(300)
    before = [s for _ in range(20) for s in looking.see(next(shots))]
    looking.claimed = known("ben", threshold=0.6)
    during = [s for _ in range(100) for s in looking.see(next(shots))]
    looking.claimed = known("anna", threshold=0.6)
    again = [s for _ in range(20) for s in looking.see(next(shots))]
    looking.claimed = None
    after = [s for _ in range(60) for s in looking.see(next(shots))]
    assert told(before) == [(Reason.MATCH, "anna")]
    assert {(s.reason, s.match.person, s.threshold) for s in during} == {(Reason.UNKNOWN, "ben", 0.6)}
    assert [(s.reason, s.person, s.repeat) for s in again] == [(Reason.MATCH, "anna", False)]
    assert after == []  # whom the gate had let in before is still settled


def test_a_claim_does_not_cost_a_stranger_the_tries_nor_gives_more_of_them():
    looking = recogniser(FakeEyes([[STRANGER]] * 900))
    shots = frames(900)
    plain = [s for _ in range(300) for s in looking.see(next(shots))]
    looking.claimed = known("ben")
    claimed = [s for _ in range(200) for s in looking.see(next(shots))]
    looking.claimed = None
    rest = [s for _ in range(300) for s in looking.see(next(shots))]
    assert 1 <= len(plain) <= 2
    assert 1 <= len(claimed) <= 2
    assert rest == []  # the visit was closed before


def test_who_was_asked_for_more_and_did_not_go_on_is_recognised_again():
    looking = recogniser(FakeEyes([[ANNA]] * 60))
    shots = frames(60)
    first = [s for _ in range(20) for s in looking.see(next(shots))]
    looking.reopen("anna")
    second = [s for _ in range(20) for s in looking.see(next(shots))]
    assert [(s.person, s.repeat) for s in first + second] == [("anna", False), ("anna", False)]


def test_who_stands_there_is_recognised_once_more_for_a_key_as_a_repeat_and_not_for_ever():
    looking = recogniser(FakeEyes([[ANNA]] * 400))
    shots, told = frames(400), []
    for _ in range(8):
        told.append([(s.person, s.repeat) for _ in range(40) for s in looking.see(next(shots))])
        looking.look_again()
    assert told[0] == [("anna", False)]
    assert told[1] == [("anna", True)]
    assert told[-1] == []  # no more shots are compared than the threshold reckons with
    assert {each for some in told[1:] for each in some} == {("anna", True)}


@pytest.mark.parametrize(
    ("there", "hint"),
    [([ANNA], None), ([replace(ANNA, quality=DARK)], "too_dark"), ([replace(ANNA, px=40)], "closer")],
    ids=["all is well", "in the dark", "far away"],
)
def test_whoever_is_nearest_is_glanced_at_until_they_have_gone(there, hint):
    looking = recogniser(FakeEyes([there] * 20 + [[]] * 30))
    for frame in frames(20):
        looking.see(frame)
    assert looking.glance.hint == hint
    for frame in frames(30, first=20):
        looking.see(frame)
    assert looking.glance is None
    assert looking._refused == {}
