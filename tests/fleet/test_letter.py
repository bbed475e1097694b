"""What a message is: believed where a key of the device has signed it, put aside with a reason where not."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.fleet.letter import Doubt, Record, State, Why, named, read
from agent.fleet.source import Delivery
from tests.fakes.fleet import NOW, Device

DOOR, OTHER = Device(), Device("other")
KEYS = {("hq", "door"): (DOOR.key.public,), ("hq", "other"): (OTHER.key.public,)}


def keys(site, device):
    return KEYS.get((site, device), ())


def test_an_event_becomes_a_record_without_what_its_columns_hold():
    delivery = Device().event(person="anna", outcome="granted", second="ben", shown=["face"])
    record = read(delivery, keys)
    assert isinstance(record, Record)
    assert (record.site, record.device, record.key_id) == ("hq", "door", DOOR.key.public.id)
    assert (record.seq, record.kind, record.at, record.boot_id, record.historical) == (1, "access", NOW, "b1", False)
    assert (record.person, record.people) == ("anna", ("anna", "ben"))
    assert record.body == {"outcome": "granted", "second": "ben", "shown": ["face"]}


def test_what_a_newer_terminal_says_beyond_is_kept():
    assert read(Device().event("weather", mood={"sky": "grey"}), keys).body == {"mood": {"sky": "grey"}}


def test_status_and_health_are_states():
    told = read(DOOR.say("health", {"at": "2026-11-22T06:00:00Z", "outbox_depth": 3}), keys)
    assert told == State("hq", "door", "health", NOW, {"at": "2026-11-22T06:00:00Z", "outbox_depth": 3})
    assert read(DOOR.say("status", {"state": "online"}), keys) == State(
        "hq", "door", "status", None, {"state": "online"}
    )


def test_an_acknowledgement_is_for_the_device():
    assert read(Delivery("latchkey/v1/hq/door/event/ack", b"..."), keys) is None


def swapped(delivery, **fields):
    return replace(delivery, payload=json.dumps(json.loads(delivery.payload) | fields).encode())


DOUBTFUL = [
    (Why.UNKNOWN_DEVICE, lambda: Device("stranger").event()),
    (Why.BAD_SIGNATURE, lambda: swapped(Device().event(), person="eve")),
    (Why.BAD_SIGNATURE, lambda: Device(secret=b"x").event()),
    (Why.BAD_SIGNATURE, lambda: replace(Device().event(), topic="latchkey/v1/hq/other/event/access")),
    (Why.BAD_SIGNATURE, lambda: swapped(Device().event(), signature=7)),
    (Why.UNSIGNED, lambda: Delivery("latchkey/v1/hq/door/event/access", b"{}")),
    (Why.MALFORMED, lambda: Delivery("latchkey/v1/hq/door/event/access", b"{")),
    (Why.MALFORMED, lambda: Delivery("latchkey/v1/hq/door/event/access", b'{"a": 1, "a": 2}')),
    (Why.MALFORMED, lambda: DOOR.say("event/access", {"person": "anna"})),
    (Why.MALFORMED, lambda: Device().event(device="other")),
    (Why.MALFORMED, lambda: replace(DOOR.say("event/alarm", json.loads(Device().event().payload)))),
    (Why.MALFORMED, lambda: Device().event(seq=0)),
    (Why.MALFORMED, lambda: Device().event(schema=2)),
    (Why.MALFORMED, lambda: Device().event(at="yesterday")),
    (Why.MALFORMED, lambda: Device().event(at="2026-11-22T06:00:00")),
    (Why.MALFORMED, lambda: Device().event(id="x" * 200)),
    (Why.MALFORMED, lambda: Device().event(person="x" * 129)),
    (Why.MALFORMED, lambda: Device().event("x" * 129)),
    (Why.MALFORMED, lambda: DOOR.say("health", {"at": 7})),
    (Why.TOPIC, lambda: Delivery("latchkey/v1/hq", b"{}")),
    (Why.TOPIC, lambda: Delivery("other/v1/hq/door/event/access", b"{}")),
    (Why.TOO_LARGE, lambda: Delivery("latchkey/v1/hq/door/event/access", b"", size=300_000)),
]


@pytest.mark.parametrize(("why", "make"), DOUBTFUL, ids=[f"{why}-{n}" for n, (why, _) in enumerate(DOUBTFUL)])
def test_what_is_doubtful_is_told_with_its_reason(why, make):
    doubt = read(make(), keys)
    assert isinstance(doubt, Doubt)
    assert doubt.why is why


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work to do
@given(st.text(max_size=60), st.binary(max_size=300))
def test_noise_is_doubtful_and_never_an_error(topic, payload):
    for where in (topic, f"latchkey/v1/hq/door/event/{topic}", f"latchkey/v1/{topic}"):
        assert isinstance(read(Delivery(where, payload), keys), Doubt | None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=8), each, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work to do
@given(
    st.dictionaries(
        st.sampled_from(["at", "id", "seq", "site", "details", "person", "schema"]) | st.text(), json_values
    )
)
def test_whatever_a_device_signs_is_read_or_doubtful(body):
    try:
        delivery = DOOR.event(**body)
    except ValueError:  # it cannot be signed
        return
    assert isinstance(read(delivery, keys), Doubt | Record)


def test_who_is_named():
    body = {"person": "anna", "by": "mqtt:kim", "details": {"was": "ann", "more": [{"x": "y"}]}, "subject": None}
    assert named(body) == ("ann", "anna", "mqtt:kim", "y")
    assert named({"person": "x" * 500, "second": ""}) == ()


def test_times_are_of_any_offset():
    assert read(Device().event(at="2026-11-22T08:00:00+02:00"), keys).at == datetime(2026, 11, 22, 6, tzinfo=UTC)
