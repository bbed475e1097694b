"""What the device says about itself: events as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from agent.mqtt.telemetry import AccessEvent, AuditEvent, event_body, timestamp
from agent.types import Event

AT = datetime(2026, 11, 22, 6, 0, 0, 123_456, tzinfo=UTC)
ACCESS = {
    "outcome": "denied",
    "reason": "unknown",
    "person": None,
    "similarity": 0.31,
    "margin": 0.02,
    "second": "ben",
    "threshold": 0.52,
    "shots": 3,
    "agreeing": 0,
    "quality": {"face_px": 120.0, "sharpness": 80.0, "yaw": 0.1, "exposure": 120.0, "contrast": 40.0},
    "detail": "0.31 to anna, need 0.52",
    "model": "latchkey-encoder-1-00000000",
    "camera": "front",
    "track": 4,
    "latency_ms": 84.0,
    "clock": "synchronised",
}


def as_json(kind, body):
    event = Event(id="01JD", seq=7, kind=kind, at=AT, boot_id="b1", body=body)
    return json.dumps(event_body(event, site="hq", device="door", historical=False))


def test_time_is_utc_with_milliseconds():
    assert timestamp(AT) == "2026-11-22T06:00:00.123Z"
    assert timestamp(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-11-22T06:00:00.123Z"


def test_an_access_event_is_what_its_schema_says():
    event = AccessEvent.model_validate_json(as_json("access", ACCESS))
    assert (event.schema_, event.seq, event.site, event.historical) == (1, 7, "hq", False)


def test_an_audit_event_is_what_its_schema_says():
    body = {"action": "enrolled", "person": "anna", "templates": 3, "by": "mqtt", "command_id": "7"}
    assert AuditEvent.model_validate_json(as_json("audit", body)).person == "anna"


def test_an_event_with_a_field_that_is_not_in_the_contract_is_noticed():
    with pytest.raises(ValidationError, match="image"):
        AccessEvent.model_validate_json(as_json("access", {**ACCESS, "image": "..."}))
