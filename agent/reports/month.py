"""The month of one person, day by day: every punch as it counts, as it was made, and what was said of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from agent.access.rules import Rules
from agent.attendance.corrections import apply, stands
from agent.attendance.days import logical_day
from agent.attendance.punch import Correction, Punch
from agent.attendance.rules import PunchType
from agent.attendance.sheet import Day, Sheet
from agent.attendance.timesheet import window
from agent.mqtt.telemetry import timestamp
from agent.reports.basis import Attendance, attendance, check_known
from agent.reports.board import planned_json
from agent.reports.flags import flags_json
from agent.reports.lanes import Lane
from agent.reports.punches import Entry, history
from agent.reports.rows import SUMS, came_and_left
from agent.store.db import Db
from agent.store.rosters import rosters

_DAY = timedelta(days=1)


def month_json(db: Db, rules: Rules, first: date, last: date, *, at: datetime, person: str) -> dict[str, Any]:
    """Returns the days `first` to `last` of a person as JSON values. Times are those of the clock on the wall.

    Args:
        db: the database.
        rules: in force.
        first: the first day.
        last: the last one, included.
        at: now.
        person: whose.
    """
    found = attendance(db, rules, first - _DAY, last + _DAY, at=at, person=person)  # a stay may reach over the edges
    check_known(found, person)
    every = found.sheets[0] if found.sheets else Sheet(person, ())
    sheet = replace(every, days=tuple(day for day in every.days if first <= day.day <= last))
    begin, end = window(rules, first, last)
    entries = history(db, begin, end, person)
    rostered = {span.day for span in rosters(db, begin, end, rules.zone, person).get(person, ())}
    lane = Lane.around(sheet.days, rules.zone)
    by_day = _by_day(every, entries, rules)
    return {
        "person": person,
        "name": found.name(person),
        "enrolled": person in found.names,
        "zone": rules.zone.key,
        "today": logical_day(at, rules.zone, rules.attendance.day_starts).isoformat(),
        "shift": sheet.shift,
        **{name: sheet.total(name) for name in SUMS},
        "special": sheet.special,
        "jobs": sheet.jobs,
        "keys": sorted({key.job for key in rules.attendance.keys.values() if key.job}),
        "hours": lane.hours,
        "days": [
            _day(day, found, lane)
            | {"rostered": bool(rostered & {span.day for span in day.planned}), "punches": by_day.get(day.day, [])}
            for day in sheet.days or _empty(first, last, rules)
        ],
    }


def _empty(first: date, last: date, rules: Rules) -> Sequence[Day]:
    days = (first + number * _DAY for number in range((last - first).days + 1))
    return [Day(day, rules.calendar.kind(day)) for day in days]


def _day(day: Day, found: Attendance, lane: Lane) -> dict[str, Any]:
    zone = found.rules.zone
    came, left = came_and_left(day)
    midnights = (datetime.combine(each, time(), zone).timestamp() for each in (day.day, day.day + _DAY))
    begins, ends = midnights
    return {
        "day": day.day.isoformat(),
        "week": day.day.isocalendar().week,
        "kind": day.kind,
        "length_hours": (ends - begins) / 3600,  # 23 or 25 where the clock changes
        "planned": planned_json(day, found),
        "in": came.astimezone(zone).isoformat(timespec="seconds") if came else None,
        "out": left.astimezone(zone).isoformat(timespec="seconds") if left else None,
        "settled": day.settled,
        **{name: getattr(day, name) for name in SUMS},
        "flags": flags_json(day),
        "pieces": [asdict(piece) for piece in lane.pieces(day)],
    }


def _by_day(sheet: Sheet, entries: Sequence[Entry], rules: Rules) -> dict[date, list[dict[str, Any]]]:
    """The entries, each on the day on which it counts; one that does not, on the day of which it was made."""
    counted = {punch.id: (day.day, punch) for day in sheet.days for punch in day.punches}
    told = defaultdict[date, list[dict[str, Any]]](list)
    for entry in entries:
        made = _made(entry)
        day, counts = counted.get(made.id, (logical_day(made.at, rules.zone, rules.attendance.day_starts), None))
        if counts is None and apply([entry.punch] if entry.punch else [], entry.said):
            continue  # on a day beyond these
        told[day].append(_entry(entry, made, counts, rules))
    for each in told.values():
        each.sort(key=lambda one: str((one["counts"] or one["made"])["at"]))
    return told


def _made(entry: Entry) -> Punch:
    """The punch as it was made, or as it was added."""
    if entry.punch is not None:
        return entry.punch
    added = entry.said[0]
    return Punch(added.id, added.person, entry.at, added.type or PunchType.IN, job=added.job)


def _entry(entry: Entry, made: Punch, counts: Punch | None, rules: Rules) -> dict[str, Any]:
    by = defaultdict[str, list[Correction]](list)
    for each in entry.said:
        if each.punch is not None:
            by[each.punch].append(each)
    return {
        "id": made.id,
        "added": entry.punch is None,
        "counts": _punch(counts, rules) if counts else None,
        "made": _punch(made, rules),
        "said": [_said(each, by, rules) for each in entry.said],
    }


def _punch(punch: Punch, rules: Rules) -> dict[str, Any]:
    return {
        "at": timestamp(punch.at),
        "wall": punch.at.astimezone(rules.zone).isoformat(timespec="seconds"),
        "type": punch.type.value,
        "job": punch.job,
        "key": punch.key,
        "by": punch.by.value if punch.by else None,
        "repeat": punch.repeat,
        "device": punch.device,
        "clock": punch.clock.value,
    }


def _said(each: Correction, by: Mapping[str, Sequence[Correction]], rules: Rules) -> dict[str, Any]:
    return {
        "id": each.id,
        "says": each.by,
        "why": each.why,
        "made": each.made_at.astimezone(rules.zone).isoformat(timespec="seconds"),
        "void": each.void,
        "wall": each.at.astimezone(rules.zone).isoformat(timespec="seconds") if each.at else None,
        "type": each.type.value if each.type else None,
        "job": each.job,
        "stands": stands(each, by) is not None,
    }


def year_json(db: Db, rules: Rules, year: int, *, at: datetime, person: str) -> dict[str, Any]:
    """Returns the balance of each day of a year, and what of it somebody should look at, as JSON values."""
    found = attendance(db, rules, date(year, 1, 1), date(year, 12, 31), at=at, person=person)
    return {
        "person": person,
        "name": found.name(person),
        "days": [
            [day.day.isoformat(), day.worked_seconds, day.balance_seconds, bool(day.planned), day.kind]
            for sheet in found.sheets
            for day in sheet.days
            if day.stays or day.planned or day.kind
        ],
    }
