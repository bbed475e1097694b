"""What the device tells about itself and its door: status, health, door state and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from agent.attendance.punch import Clock
from agent.attendance.rules import PunchType, TypeBy
from agent.mqtt.message import Message, News
from agent.types import Alarm, Event, Outcome, Reason, Shown

SCHEMA: Final = 1


class Status(News):
    """Whether the device is there: birth, last will and orderly end."""

    state: Literal["online", "offline", "stopped"]
    boot_id: str
    version: str
    model: str
    groups: tuple[str, ...] = ()  # of devices: whoever commands a group knows who has to answer


class Health(News):
    """How the device is."""

    at: str
    boot_id: str
    uptime_seconds: float
    outbox_depth: int
    oldest_unsent_seconds: float | None = None
    fps: float | None = None
    frames_dropped: int | None = None
    people: int | None = None
    templates: int | None = None
    disk_free_bytes: int | None = None
    memory_bytes: int | None = None
    temperature_celsius: float | None = None
    throttled: bool | None = None
    clock: Clock = Clock.UNKNOWN
    templates_damaged: int | None = None  # that do not open under the site's key, or were changed
    rules: int | None = None  # version in force; 0: none were ever given
    certificate_days: int | None = None  # until the device's certificate, or its authority's, ends
    roster: int | None = None  # number up to which the roster of the site was read
    roster_problems: int | None = None  # objects of it that are not in force here, and a service that is doubted
    audit: str | None = None  # the last row of the audit, HASH@NUMBER: an anchor for `latchkey audit verify`
    acks_refused: int | None = None  # of collectors, since the start


class DoorState(News):
    """The state of the door."""

    at: str
    locked: bool
    contact: Literal["open", "closed"] | None = None  # none: the door has no contact
    mode: str | None = None
    held: bool = False  # unlocked without a limit, by command or by the mode
    alarms: tuple[Alarm, ...] = ()  # that have not been cleared
    last_opened_by: str | None = None


class EventMessage(News):
    """What all events share."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    id: str
    seq: int
    at: str
    site: str
    device: str
    boot_id: str
    historical: bool


class QualityBody(Message):
    """How usable the best shot was."""

    face_px: float
    sharpness: float
    yaw: float
    exposure: float
    contrast: float


class SignedBody(Message):
    """How a signature on the screen compares with the person's own."""

    distance: float
    threshold: float  # the most that passes
    references: int
    replayed: bool  # equal to one of the references: a recording


class AccessEvent(EventMessage):
    """A decision at the door. What was seen of a face is null where none was weighed."""

    kind: Literal["access"]
    outcome: Outcome
    reason: Reason
    person: str | None
    repeat: bool
    shown: tuple[Shown, ...]
    companion: str | None
    schedule: str | None
    detail: str
    similarity: float | None
    margin: float | None
    second: str | None
    threshold: float | None
    shots: int | None
    agreeing: int | None
    quality: QualityBody | None
    camera: str | None
    track: int | None
    latency_ms: float | None
    signed: SignedBody | None = None  # null where no signature was weighed
    model: str
    clock: Clock
    badge: str | None = None  # with `[events] badge`
    name: str | None = None  # with `[events] name`


class AttendanceEvent(EventMessage):
    """A punch."""

    kind: Literal["attendance"]
    person: str
    type: PunchType
    key: str | None
    job: str | None
    by: TypeBy
    repeat: bool
    access: str | None  # id of the access event that it was made with
    uptime_seconds: float
    clock: Clock
    badge: str | None = None
    name: str | None = None


class AlarmEvent(EventMessage):
    """Something that somebody has to be told at once."""

    kind: Literal["alarm"]
    alarm: Alarm
    state: Literal["raised", "cleared"]
    person: str | None
    access: str | None  # id of the access event that it belongs to
    detail: str
    clock: Clock
    badge: str | None = None
    name: str | None = None


Hash: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Salt: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class AuditEvent(EventMessage):
    """A change somebody made: a row of the chain that `latchkey audit verify` checks, with all it takes to check it.

    `by` with its salt, or the subject, the command id and the details with theirs, are empty where somebody was
    forgotten before the event could be sent.
    """

    kind: Literal["audit"]
    action: str
    subject: str | None
    by: Annotated[str, Field(min_length=1, max_length=80)] | None
    command_id: str | None
    details: dict[str, Any]
    number: Annotated[int, Field(ge=1)]
    hash: Hash
    previous: Hash
    by_salt: Salt | None
    by_digest: Hash
    about_salt: Salt | None
    about_digest: Hash
    clock: Clock  # not part of what is hashed


def timestamp(at: datetime) -> str:
    """ISO 8601, UTC, milliseconds: `2026-11-22T06:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_body(event: Event, *, site: str, device: str, historical: bool) -> dict[str, object]:
    """An event as it goes out."""
    return {
        "schema": SCHEMA,
        "id": event.id,
        "seq": event.seq,
        "kind": event.kind,
        "at": timestamp(event.at),
        "site": site,
        "device": device,
        "boot_id": event.boot_id,
        "historical": historical,
        **event.body,
    }
