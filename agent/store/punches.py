"""Punches as they were made, and their corrections. Neither is ever changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from agent.attendance.corrections import apply
from agent.attendance.punch import Clock, Correction, Punch
from agent.attendance.rules import PunchType, TypeBy
from agent.store.db import Db
from agent.store.times import from_text, to_text

_PUNCH: Final = "id, person, at, type, key, job, by, repeat, site, device, boot_id, uptime, clock"
_CORRECTION: Final = "id, punch, person, by, why, made_at, void, at, type, job"
_TYPES: Final = {str(kind): kind for kind in PunchType}  # dictionaries: a month of many people is read at once
_WAYS: Final = {str(way): way for way in TypeBy}
_CLOCKS: Final = {str(clock): clock for clock in Clock}


def append(db: Db, punch: Punch) -> None:
    """Record a punch, in the transaction of its event. Again the same does nothing."""
    row = (
        punch.id,
        punch.person,
        to_text(punch.at),
        punch.type,
        punch.key,
        punch.job,
        punch.by or TypeBy.KEY,
        int(punch.repeat),
        punch.site,
        punch.device,
        punch.boot_id,
        punch.uptime,
        punch.clock,
    )
    _insert(db, "punches", _PUNCH, row)


def add_correction(db: Db, correction: Correction) -> None:
    """Record a correction. Again the same does nothing.

    Raises:
        ValueError: another one has its id.
    """
    row = (
        correction.id,
        correction.punch,
        correction.person,
        correction.by,
        correction.why,
        to_text(correction.made_at),
        int(correction.void),
        None if correction.at is None else to_text(correction.at),
        correction.type,
        correction.job,
    )
    _insert(db, "corrections", _CORRECTION, row)


def find(db: Db, id: str) -> Punch | None:  # noqa: A002 - as in Punch
    """Return a punch as it was made."""
    return next(iter(_punches(db, "WHERE id = ?", id)), None)


def find_correction(db: Db, id: str) -> Correction | None:  # noqa: A002 - as in Correction
    """Return a correction as it was made."""
    return next(iter(_corrections(db, "WHERE id = ?", id)), None)


def made(db: Db, begin: datetime, end: datetime, person: str | None = None) -> list[Punch]:
    """Return punches as they were made, from `begin` until before `end`, of one person or of all, in order."""
    whose, args = _whose(person)
    return _punches(db, f"WHERE {whose}at >= ? AND at < ? ORDER BY at, id", *args, to_text(begin), to_text(end))


def corrections(db: Db, person: str | None = None) -> list[Correction]:
    """Return all corrections, of one person or of all, in the order in which they were made."""
    if person is None:
        return _corrections(db, "ORDER BY number")
    return _corrections(db, "WHERE person = ? ORDER BY number", person)


def counted(db: Db, begin: datetime, end: datetime, person: str | None = None) -> list[Punch]:
    """Return the punches that count from `begin` until before `end`, as corrected, in order.

    Also those that were made at another time and corrected to one of these.
    """
    said = corrections(db, person)
    whose, args = _whose(person)
    found = _punches(db, f"WHERE {whose}at >= ? AND at < ?", *args, to_text(begin), to_text(end))
    if said:
        known = {punch.id for punch in found}
        corrected = _punches(db, f"WHERE {whose}id IN (SELECT punch FROM corrections)", *args)  # noqa: S608 - ours
        found += [punch for punch in corrected if punch.id not in known]
    return [punch for punch in apply(found, said) if begin <= punch.at < end]


def counts(db: Db, id: str) -> bool:  # noqa: A002 - as in Punch
    """Return whether there is such a punch, and no correction that stands makes it void."""
    punch = find(db, id)
    if punch is None:
        return False
    return bool(apply([punch], [each for each in corrections(db, punch.person) if each.punch is not None]))


def untimed(db: Db, boot_id: str) -> list[Punch]:
    """Return what was punched since one start while the clock was not set."""
    return _punches(db, "WHERE boot_id = ? AND clock = 'unsynchronised' ORDER BY number", boot_id)


def _insert(db: Db, table: str, columns: str, row: tuple[object, ...]) -> None:
    marks = ", ".join("?" * len(row))
    with db.transaction() as sql:
        stored = sql.execute(f"SELECT {columns} FROM {table} WHERE id = ?", (row[0],)).fetchone()  # noqa: S608 - ours
        if stored is None:
            sql.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - ours
        elif stored != row:
            raise ValueError(f"the id {row[0]} is taken by another of the {table}")


def _punches(db: Db, clauses: str, *parameters: object) -> list[Punch]:
    return [_punch(row) for row in db.rows(f"SELECT {_PUNCH} FROM punches {clauses}", parameters)]  # noqa: S608 - ours


def _punch(row: tuple[Any, ...]) -> Punch:
    id_, person, at, kind, key, job, by, repeat, site, device, boot_id, uptime, clock = row
    return Punch(
        id_,
        person,
        from_text(at),
        _TYPES[kind],
        key,
        job,
        _WAYS[by],
        bool(repeat),
        site,
        device,
        boot_id,
        uptime,
        _CLOCKS[clock],
    )


def _corrections(db: Db, clauses: str, *parameters: object) -> list[Correction]:
    rows = db.rows(f"SELECT {_CORRECTION} FROM corrections {clauses}", parameters)  # noqa: S608 - ours
    return [_correction(row) for row in rows]


def _correction(row: tuple[Any, ...]) -> Correction:
    id_, punch, person, by, why, made_at, void, at, kind, job = row
    return Correction(
        id_,
        punch,
        person,
        by,
        why,
        from_text(made_at),
        void=bool(void),
        at=None if at is None else from_text(at),
        type=None if kind is None else _TYPES[kind],
        job=job,
    )


def _whose(person: str | None) -> tuple[str, tuple[str, ...]]:
    """A condition that lets the index of a person's punches be used, and its parameters."""
    return ("", ()) if person is None else ("person = ? AND ", (person,))
