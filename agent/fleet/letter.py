"""What a message of a device is: an event, a state, nothing for us, or doubtful. Pure.

Believed is what a key of the device has signed. What the device says beyond the fields that all events share is its
own affair: a terminal that is newer than the collector loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from agent.fleet.source import Delivery
from agent.mqtt.telemetry import EventMessage
from agent.mqtt.topics import ROOT
from agent.mqtt.wire import explain
from agent.trust.keys import PublicKey
from agent.trust.statement import SIGNATURE, news_text, read_json, verifies

KeysOf: TypeAlias = Callable[[str, str], Sequence[PublicKey]]
"""Returns the keys in force of a site's device."""
PEOPLE: Final = ("person", "second", "companion", "subject", "by")  # of a body, and all texts in its `details`
LONGEST: Final = 128  # of what may be a person
_SHARED: Final = frozenset(
    {field_.alias or name for name, field_ in EventMessage.model_fields.items()}
    | {"site", "device", "person", "kind", SIGNATURE}
)


class Why(StrEnum):
    """Why a message is not believed."""

    TOPIC = "topic"  # not one of a device
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    UNKNOWN_DEVICE = "unknown_device"  # no key of it is known
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    REFUSED = "refused"  # by the database


@dataclass(frozen=True, slots=True)
class Record:
    """An event that is to be written down."""

    site: str
    device: str
    key_id: str
    id: str
    seq: int
    kind: str
    at: datetime
    boot_id: str
    historical: bool
    person: str | None
    people: tuple[str, ...]
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class State:
    """The latest of something that a device tells again and again."""

    site: str
    device: str
    what: str
    at: datetime | None
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message that is put aside."""

    site: str
    device: str
    why: Why
    detail: str
    delivery: Delivery


Letter: TypeAlias = Record | State | Doubt | None


def read(delivery: Delivery, keys: KeysOf) -> Letter:
    """Returns what a message is; None for an acknowledgement, which is for the device.

    Args:
        delivery: as it came.
        keys: of devices.
    """
    match delivery.topic.removeprefix(f"{ROOT}/").split("/", 2):
        case [site, device, what] if delivery.topic.startswith(f"{ROOT}/"):
            return None if what == "event/ack" else _read(delivery, site, device, what, keys)
    return Doubt("", "", Why.TOPIC, "not a topic of a device", delivery)


def _read(delivery: Delivery, site: str, device: str, what: str, keys: KeysOf) -> Letter:
    def doubt(why: Why, detail: str) -> Doubt:
        return Doubt(site, device, why, detail, delivery)

    if delivery.too_large:
        return doubt(Why.TOO_LARGE, f"{delivery.size} bytes")
    try:
        body = read_json(delivery.payload)
        text = news_text(delivery.topic, body)
    except ValueError as error:
        return doubt(Why.MALFORMED, str(error))
    known = keys(site, device)
    if not known:
        return doubt(Why.UNKNOWN_DEVICE, "`latchkey fleet trust` makes its key known")
    if SIGNATURE not in body:
        return doubt(Why.UNSIGNED, "no signature")
    key = next((key for key in known if verifies(key, text, body[SIGNATURE])), None)
    if key is None:
        return doubt(Why.BAD_SIGNATURE, f"by none of {', '.join(key.id for key in known)}, or of another message")
    try:
        if what.startswith("event/"):
            return _event(site, device, what.removeprefix("event/"), key.id, body)
        return State(site, device, what, _time(body.get("at")), {k: v for k, v in body.items() if k != SIGNATURE})
    except ValidationError as error:
        return doubt(Why.MALFORMED, explain(error))
    except ValueError as error:
        return doubt(Why.MALFORMED, str(error))


def _event(site: str, device: str, kind: str, key_id: str, body: Mapping[str, Any]) -> Record:
    """Returns the event; raises ValueError for one that is not whole, or of another topic."""
    shared = {name: body[name] for name in body if name in _SHARED - {"person", "kind", SIGNATURE}}
    told = EventMessage.model_validate_json(json.dumps(shared))
    if (told.site, told.device, body.get("kind")) != (site, device, kind):
        raise ValueError("site, device and kind are not those of the topic")
    if told.seq < 1 or not told.id or len(told.id) > LONGEST:
        raise ValueError("seq or id cannot be those of an event")
    at = _time(told.at)
    if at is None:
        raise ValueError("at: a time is wanted")
    person = body.get("person")
    if len(kind) > LONGEST or (isinstance(person, str) and len(person) > LONGEST):
        raise ValueError(f"kind or person has more than {LONGEST} characters")  # more than an index takes
    return Record(
        site=site,
        device=device,
        key_id=key_id,
        id=told.id,
        seq=told.seq,
        kind=kind,
        at=at,
        boot_id=told.boot_id,
        historical=told.historical,
        person=person if isinstance(person, str) else None,
        people=named(body),
        body={name: value for name, value in body.items() if name not in _SHARED},
    )


def named(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns who may be named in an event: no more is known of an id than that it is a short text."""
    found = {body[name] for name in PEOPLE if isinstance(body.get(name), str)} | set(_texts(body.get("details")))
    return tuple(sorted(each for each in found if 0 < len(each) <= LONGEST))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _time(value: object) -> datetime | None:
    """Returns a time with its offset; None for nothing; raises ValueError for what is neither."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else None
    if at is None or at.tzinfo is None or not 1 < at.year < 9999:  # noqa: PLR2004  so that any offset stays within
        raise ValueError(f"not a time with an offset: {str(value)[:40]}")
    return at
