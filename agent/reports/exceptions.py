"""What somebody should look at: late, early, absent, missing punches, clocks that were wrong, strangers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agent.attendance.days import logical_day
from agent.attendance.sheet import HARMLESS, Day, Flag
from agent.reports.basis import Attendance
from agent.reports.words import clock, hours
from agent.store import passages
from agent.store.db import Db

STRANGER = "unknown"
_TOLD = tuple(flag for flag in Flag if flag not in HARMLESS)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing on one day."""

    day: date
    person: str | None  # None: nobody knows
    what: str  # a flag of a timesheet, or "unknown"
    detail: str  # for people


def remarks(found: Attendance, db: Db, *, strangers: bool) -> list[Remark]:
    """Returns what there is to look at, by day and person; of `strangers` only where they are asked for."""
    told = [
        Remark(day.day, sheet.person, flag.value, _detail(day, flag, found))
        for sheet in found.sheets
        for day in sheet.days
        for flag in day.flags
        if flag in _TOLD
    ]
    told += [
        Remark(day.day, sheet.person, STRANGER, "punches of somebody who is not enrolled")
        for sheet in found.sheets
        if sheet.person not in found.names
        for day in sheet.days
        if day.punches
    ]
    if strangers:
        told += strangers_turned_away(found, db)
    return sorted(told, key=lambda remark: (remark.day, remark.person or "", remark.what))


def strangers_turned_away(found: Attendance, db: Db) -> Iterator[Remark]:
    """Yields when somebody nobody knows was turned away."""
    rules = found.rules
    begin, end = (
        datetime.combine(day, rules.attendance.day_starts, rules.zone)
        for day in (found.first, found.last + timedelta(days=1))
    )
    for at, reason in passages.strangers(db, begin, end):
        day = logical_day(at, rules.zone, rules.attendance.day_starts)
        yield Remark(day, None, STRANGER, f"{clock(at, rules.zone)} turned away: {reason.replace('_', ' ')}")


def _detail(day: Day, flag: Flag, found: Attendance) -> str:
    zone = found.rules.zone
    planned = (
        f"planned {clock(day.planned[0].starts_at, zone)}-{clock(day.planned[-1].ends_at, zone)}" if day.planned else ""
    )
    punched = ", ".join(
        f"{punch.type.value.replace('_', ' ')} {clock(punch.at, zone)}" for punch in day.punches if not punch.repeat
    )
    match flag:
        case Flag.LATE:
            return f"by {hours(day.late_seconds)}, {planned}"
        case Flag.EARLY:
            return f"by {hours(day.early_seconds)}, {planned}"
        case Flag.ABSENT:
            return planned
    return punched
