"""Punching, and correcting what was punched: each in one transaction with what tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ulid import ULID

from agent.access.rules import Rules
from agent.attendance.classify import LOOK_BACK, classify
from agent.attendance.corrections import misses, retime
from agent.attendance.punch import Clock, Correction, Punch
from agent.attendance.rules import PunchType
from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request, enrolled
from agent.store import events, members, punches
from agent.store.db import Db

SOON = timedelta(minutes=5)  # clocks differ a little: a punch may be corrected to so far ahead


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where punches are made."""

    site: str
    device: str
    boot_id: str  # of this run of the agent
    kernel: str = ""  # of this start of the system: the seconds of a punch count from there


@dataclass(frozen=True, slots=True)
class Said:
    """What an admin says of a punch."""

    why: str
    by: str  # who says so, for people
    void: bool = False
    at: datetime | None = None  # UTC
    type: PunchType | None = None
    job: str | None = None


def punch(
    db: Db,
    rules: Rules,
    terminal: Terminal,
    person: str,
    at: datetime,
    *,
    key: str | None,
    uptime: float,
    clock: Clock,
    id: str | None = None,  # noqa: A002 - as in Event
    more: Mapping[str, object] = MappingProxyType({}),
) -> Punch | None:
    """Records that somebody came, went or paused: the punch and its event. Returns it; None where nobody punches here.

    Args:
        db: the database.
        rules: in force.
        terminal: where.
        person: who was let in, or recognised where there is no door.
        at: when, UTC.
        key: the key that was pressed.
        uptime: seconds of CLOCK_BOOTTIME at that time.
        clock: what is known of the clock.
        id: a ULID for its event. Trying again with the same one records nothing new.
        more: what the body of the event says beside.
    """
    if not rules.attendance.punches_at(terminal.device):
        return None
    id_ = str(ULID.from_timestamp(max(at.timestamp(), 0.0))) if id is None else id
    with db.transaction():
        stored = punches.find(db, id_)
        if stored is not None:
            return stored
        person = members.current_id(db, person) or person  # renamed or merged since it was decided
        last = punches.counted(db, at - LOOK_BACK, at + timedelta(microseconds=1), person)
        found = classify(rules, terminal.device, last, at, key)
        made = Punch(
            id_, person, at, found.type, key, found.job, found.by, found.repeat,
            terminal.site, terminal.device, terminal.kernel or terminal.boot_id, uptime, clock,
        )  # fmt: skip
        events.append(db, "attendance", at, terminal.boot_id, attendance_body(made) | dict(more), id=id_)
        punches.append(db, made)
    return made


def attendance_body(made: Punch) -> dict[str, object]:
    """Returns the body of an `attendance` event."""
    return {
        "person": made.person,
        "type": made.type.value,
        "key": made.key,
        "job": made.job,
        "by": made.by.value if made.by else None,
        "repeat": made.repeat,
        "uptime_seconds": round(made.uptime, 3),
        "clock": made.clock.value,
    }


def correct(db: Db, request: Request, names: str, said: Said, *, id: str | None = None) -> Correction:  # noqa: A002
    """Records a correction of a punch, or of another correction, and returns it.

    Args:
        db: the database.
        request: who asks, and when.
        names: id of the punch or correction.
        said: what is right.
        id: of the correction. Trying again with the same one records nothing new.

    Raises:
        CommandError: there is no such punch, or it makes no sense.
    """
    with db.transaction():
        named = punches.find(db, names) or punches.find_correction(db, names)
        if named is None:
            raise CommandError(Code.UNKNOWN_PUNCH, f"no punch or correction has the id {names[:80]!r}")
        action = "punch_voided" if said.void else "punch_corrected"
        return _record(db, request, _correction(id, names, named.person, said, request.at), action)


def add(db: Db, request: Request, person: str, said: Said, *, id: str | None = None) -> Correction:  # noqa: A002
    """Records a punch that is missing, as a correction, and returns it; `id` as in `correct`.

    Raises:
        CommandError: there is no such person, or it has no time and type.
    """
    with db.transaction():
        enrolled(db, person)
        return _record(db, request, _correction(id, None, person, said, request.at), "punch_added")


def retime_boot(db: Db, boot_id: str, request: Request, *, uptime: float) -> list[Correction]:
    """Re-times what was punched since this start while the clock was not set; call it once the clock is right.

    Args:
        db: the database.
        boot_id: of the start of the system, or of the agent, that the punches name.
        request: its time is the right one.
        uptime: seconds of CLOCK_BOOTTIME at that time.

    Returns:
        The corrections made; none where there was nothing to do, also on being called again.
    """
    with db.transaction():
        untimed = punches.untimed(db, boot_id)
        said = [each for person in {punch.person for punch in untimed} for each in punches.corrections(db, person)]
        made = retime(untimed, said, boot_id, at=request.at, uptime=uptime)
        for correction in made:
            punches.add_correction(db, correction)
            audit(db, "punch_retimed", correction.person, request, _details(correction))
    return made


def _correction(id_: str | None, names: str | None, person: str, said: Said, at: datetime) -> Correction:
    return Correction(
        id_ or str(ULID()), names, person, said.by, said.why.strip(), at, said.void, said.at, said.type, said.job
    )


def _record(db: Db, request: Request, correction: Correction, action: str) -> Correction:
    lacks = misses(correction)
    if lacks is None and not correction.by.strip():
        lacks = "say who says so"
    if lacks is None and correction.at is not None and correction.at > request.at + SOON:
        lacks = f"{timestamp(correction.at)} has not come yet"
    if lacks is not None:
        raise CommandError(Code.BAD_REQUEST, lacks)
    stored = punches.find_correction(db, correction.id)
    if stored is not None and stored == replace(correction, made_at=stored.made_at):
        return stored
    try:
        punches.add_correction(db, correction)
    except ValueError as error:
        raise CommandError(Code.ID_REUSED, str(error)) from error
    audit(db, action, correction.person, request, _details(correction))
    return correction


def _details(correction: Correction) -> dict[str, object]:
    """What the audit tells; not why: that may be private, and is forgotten with the correction."""
    said = correction_json(correction)
    told = {key: said[key] for key in ("correction", "punch", "type", "job", "says")} | {"to": said["at"]}
    return {key: value for key, value in told.items() if value is not None}


def correction_json(correction: Correction) -> dict[str, Any]:
    """Returns a correction as JSON values."""
    return {
        "correction": correction.id,
        "punch": correction.punch,
        "person": correction.person,
        "void": correction.void,
        "at": timestamp(correction.at) if correction.at else None,
        "type": correction.type.value if correction.type else None,
        "job": correction.job,
        "says": correction.by,
        "why": correction.why,
        "made_at": timestamp(correction.made_at),
    }


def punch_json(made: Punch) -> dict[str, Any]:
    """Returns a punch as JSON values."""
    return {
        "id": made.id,
        "at": timestamp(made.at),
        **attendance_body(made),
        "device": made.device,
        "corrected": made.corrected,
    }
