"""A decision as an event's body: what the contract says, and always JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.access.around import Around
from agent.access.holder import Holder
from agent.attendance.punch import Clock
from agent.bodies import access_body
from agent.mqtt.telemetry import AccessEvent, event_body
from agent.store import events
from agent.store.db import open_db
from agent.types import Event, Match, Quality, Reason, Sighting
from tests.fakes.doorways import STAFF, Doorway

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
GOOD = Quality(face_px=101.23456, sharpness=33.3, yaw=-0.1, exposure=120.0, contrast=40.0)
MET = Sighting(
    at=NOW,
    camera="camera",
    track=7,
    reason=Reason.MATCH,
    person="anna",
    match=Match("anna", 0.712345678, "ben", 0.412345678),
    threshold=0.50001234,
    shots=3,
    agreeing=2,
    quality=GOOD,
    detail="0.71 to anna",
    repeat=True,
    latency_ms=11.23456,
)


def body(sighting=MET, *, storage_ok=True):
    keeper = Doorway(None, Holder("anna", STAFF)).keeper
    around = Around(sighting.at, storage_ok=storage_ok)
    decision = keeper.see(replace(sighting, repeat=False), around)
    decision = replace(decision, sighting=sighting, repeat=sighting.repeat)
    return access_body(decision, model="enc-1", clock=Clock.SYNCHRONISED)


def test_everything_that_was_weighed():
    assert body() == {
        "outcome": "granted",
        "reason": "match",
        "person": "anna",
        "repeat": True,
        "shown": ["face"],
        "companion": None,
        "schedule": "always",
        "similarity": 0.7123,
        "margin": 0.4123,
        "second": "ben",
        "threshold": 0.5,
        "shots": 3,
        "agreeing": 2,
        "quality": {"face_px": 101.235, "sharpness": 33.3, "yaw": -0.1, "exposure": 120.0, "contrast": 40.0},
        "detail": "0.71 to anna",
        "signed": None,
        "model": "enc-1",
        "camera": "camera",
        "track": 7,
        "latency_ms": 11.23,
        "clock": "synchronised",
    }


UNKNOWN = replace(MET, reason=Reason.UNKNOWN, person=None)
SIGHTINGS = {
    "granted": MET,
    "a stranger": UNKNOWN,
    "one person enrolled": replace(UNKNOWN, match=Match("anna", 0.1, None, 2.0)),
    "nobody enrolled": replace(UNKNOWN, reason=Reason.EMPTY_GALLERY, match=Match(None, -1.0, None, 2.0)),
    "no good shot": replace(UNKNOWN, reason=Reason.POOR_QUALITY, match=None, quality=None, shots=0, agreeing=0),
    "a profile": replace(UNKNOWN, quality=replace(GOOD, yaw=float("inf"))),
}


@pytest.mark.parametrize("storage_ok", [True, False], ids=["recorded", "storage failed"])
@pytest.mark.parametrize("sighting", SIGHTINGS.values(), ids=SIGHTINGS)
def test_it_keeps_the_contract_and_goes_into_the_database(tmp_path, sighting, storage_ok):
    made = body(sighting, storage_ok=storage_ok)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    with open_db(tmp_path / "latchkey.db") as db:
        event = events.append(db, "access", NOW, "boot", made)
    AccessEvent.model_validate_json(json.dumps(event_body(event, site="home", device="door", historical=False)))


def test_where_there_is_no_second_person_there_is_no_margin():
    made = body(SIGHTINGS["one person enrolled"])
    assert (made["similarity"], made["second"], made["margin"]) == (0.1, None, None)


def test_where_nobody_is_enrolled_there_is_no_similarity():
    made = body(SIGHTINGS["nobody enrolled"])
    assert (made["similarity"], made["second"], made["margin"], made["person"]) == (None, None, None, None)


def test_what_json_cannot_say_is_left_out():
    assert body(SIGHTINGS["a profile"])["quality"] is None


def test_storage_failed_still_says_who():
    made = body(storage_ok=False)
    assert (made["outcome"], made["reason"], made["person"]) == ("denied", "storage_failed", "anna")


def test_no_pixels_and_no_vectors():
    assert len(json.dumps(body())) < 600


def test_an_event_is_the_bodys_and_the_devices():
    event = Event("id", 1, "access", NOW, "boot", body())
    told = event_body(event, site="home", device="door", historical=False)
    assert set(body()) < set(told)
