"""What the device says about itself: events as JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from agent.attendance.punch import Clock
from agent.bodies import access_body
from agent.mqtt.telemetry import AccessEvent, AuditEvent, event_body, timestamp
from agent.types import Decision, Event, Match, Outcome, Quality, Reason, Sighting

AT = datetime(2026, 11, 22, 6, 0, 0, 123_456, tzinfo=UTC)
SIGHTING = Sighting(
    at=AT,
    camera="front",
    track=4,
    reason=Reason.UNKNOWN,
    person=None,
    match=Match("anna", 0.31, "ben", 0.02),
    threshold=0.52,
    shots=3,
    agreeing=0,
    quality=Quality(face_px=120.0, sharpness=80.0, yaw=0.1, exposure=120.0, contrast=40.0),
    detail="0.31 to anna, need 0.52",
    latency_ms=84.0,
)


def access(sighting=SIGHTING):
    """What the agent records of a decision."""
    decision = Decision(Outcome.DENIED, sighting.reason, sighting.person, sighting, sighting.at, sighting.detail)
    return access_body(decision, model="latchkey-encoder-1-00000000", clock=Clock.SYNCHRONISED)


def as_json(kind, body):
    event = Event(id="01JD", seq=7, kind=kind, at=AT, boot_id="b1", body=body)
    return json.dumps(event_body(event, site="hq", device="door", historical=False))


def test_time_is_utc_with_milliseconds():
    assert timestamp(AT) == "2026-11-22T06:00:00.123Z"
    assert timestamp(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-11-22T06:00:00.123Z"


def test_an_access_event_is_what_its_schema_says():
    event = AccessEvent.model_validate_json(as_json("access", access()))
    assert (event.schema_, event.seq, event.site, event.historical) == (1, 7, "hq", False)


def test_so_is_one_of_a_visit_without_a_usable_shot():
    sighting = replace(SIGHTING, reason=Reason.POOR_QUALITY, match=None, quality=None, shots=0)
    event = AccessEvent.model_validate_json(as_json("access", access(sighting)))
    assert (event.similarity, event.margin, event.second, event.quality) == (None, None, None, None)


def test_an_audit_event_is_what_its_schema_says():
    body = {
        "action": "enrolled",
        "subject": "anna",
        "details": {"templates": 3},
        "by": "mqtt",
        "command_id": "7",
        "number": 1,
        "hash": "a" * 64,
        "previous": "0" * 64,
        "by_salt": "b" * 32,
        "by_digest": "d" * 64,
        "about_salt": "c" * 32,
        "about_digest": "e" * 64,
        "clock": "synchronised",
    }
    assert AuditEvent.model_validate_json(as_json("audit", body)).subject == "anna"


def test_an_event_with_a_field_that_is_not_in_the_contract_is_noticed():
    with pytest.raises(ValidationError, match="image"):
        AccessEvent.model_validate_json(as_json("access", {**access(), "image": "..."}))
