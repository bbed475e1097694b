"""The month of one person, day by day: every punch as it counts, as it was made, and what was said of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from typing_extensions import TypedDict

from agent.access.rules import Rules
from agent.attendance.corrections import apply
from agent.attendance.days import logical_day
from agent.attendance.punch import Punch
from agent.attendance.sheet import Day, Sheet
from agent.attendance.timesheet import window
from agent.reports.basis import Attendance, attendance, check_known
from agent.reports.board import planned_json
from agent.reports.flags import FlagTold, flags_json
from agent.reports.lanes import Lane, Piece
from agent.reports.punches import Entry, EntryTold, Wall, entry_json, history
from agent.reports.rows import Sums, came_and_left, paused, sums_of
from agent.reports.words import hours
from agent.store.db import Db
from agent.store.rosters import rosters

_DAY = timedelta(days=1)


class DayTold(Sums):
    """A day."""

    day: str
    kind: str | None  # of a special day
    length_hours: float  # not 24 where the clock changes
    planned: list[list[str]]  # from when to when
    rostered: bool
    settled: bool  # it is over
    present: bool
    cells: list[str]  # came, left, worked, breaks, balance, in words
    flags: list[FlagTold]
    pieces: list[Piece]  # of its bar
    punches: list[EntryTold]


class MonthTold(Sums):
    """The days of a month of a person. Times are those of the clock on the wall."""

    person: str
    name: str
    enrolled: bool
    zone: str
    shift: str | None
    sums: list[tuple[str, str]]  # what there is to say of all days together, in words
    hours: list[tuple[float, str]]  # where they are on a bar, in percent
    days: list[DayTold]


class YearTold(TypedDict):
    """The days of a year on which somebody worked or was to, and its months."""

    person: str
    name: str
    days: list[tuple[str, int, list[str]]]  # the day, its balance in seconds; worked and balance in words
    months: list[tuple[str, str, str]]  # its first such day; worked and balance in words


def month_json(
    db: Db, rules: Rules, first: date, last: date, *, at: datetime, person: str, reasons: bool = True
) -> MonthTold:
    """Returns the days `first` to `last` of a person as JSON values. Times are those of the clock on the wall.

    Args:
        db: the database.
        rules: in force.
        first: the first day.
        last: the last one, included.
        at: now.
        person: whose.
        reasons: with why punches were corrected, which may be private.

    Raises:
        CommandError: there is no such person, and nobody punched so.
    """
    found = attendance(db, rules, first - _DAY, last + _DAY, at=at, person=person)  # a stay may reach over the edges
    check_known(found, person)
    every = found.sheets[0] if found.sheets else Sheet(person, _empty(first, last, rules))
    sheet = replace(every, days=tuple(day for day in every.days if first <= day.day <= last))
    begin, end = window(rules, first, last)
    entries = _by_day(every, history(db, begin, end, person), rules)
    rostered = {span.day for span in rosters(db, begin, end, rules.zone, person).get(person, ())}
    lane = Lane.around(sheet.days, rules.zone)
    return {
        "person": person,
        "name": found.name(person),
        "enrolled": person in found.names,
        "zone": rules.zone.key,
        "shift": sheet.shift,
        **sums_of(sheet.total),
        "sums": _sums(sheet),
        "hours": lane.hours,
        "days": [
            _day(
                day,
                found,
                lane,
                rostered=any(span.day in rostered for span in day.planned),
                punches=[entry_json(*each, Wall(day.day, rules.zone), reasons=reasons) for each in entries[day.day]],
            )
            for day in sheet.days
        ],
    }


def _empty(first: date, last: date, rules: Rules) -> tuple[Day, ...]:
    days = (first + number * _DAY for number in range((last - first).days + 1))
    return tuple(Day(day, rules.calendar.kind(day)) for day in days)


def _sums(sheet: Sheet) -> list[tuple[str, str]]:
    """What there is to say of all days together, in words."""
    planned, overtime = sheet.total("planned_seconds"), sheet.total("overtime_seconds")
    due = [("planned", hours(planned)), ("balance", hours(sheet.total("balance_seconds"), signed=True))]
    return [
        ("worked", hours(sheet.total("worked_seconds"))),
        *(due if planned else ()),
        ("breaks", hours(sum(map(paused, sheet.days)))),
        *([("overtime", hours(overtime))] if overtime else ()),
        *((kind, hours(seconds)) for kind, seconds in sheet.special.items()),
        *((f"job {job}", hours(seconds)) for job, seconds in sheet.jobs.items()),
    ]


def _day(day: Day, found: Attendance, lane: Lane, *, rostered: bool, punches: list[EntryTold]) -> DayTold:
    wall = Wall(day.day, found.rules.zone)
    return {
        "day": day.day.isoformat(),
        "kind": day.kind,
        "length_hours": wall.length_hours,
        "planned": planned_json(day, found),
        "rostered": rostered,
        "settled": day.settled,
        "present": bool(day.stays) and day.stays[-1].left is None,
        "cells": _cells(day, wall),
        **sums_of(lambda name: getattr(day, name)),
        "flags": flags_json(day),
        "pieces": [*lane.pieces(day)],
        "punches": punches,
    }


def _cells(day: Day, wall: Wall) -> list[str]:
    """Came, left, worked, breaks, balance, in words."""
    came, left = came_and_left(day)
    due = day.settled and (day.planned or day.stays)
    return [
        wall.minute(came) if came else "",
        wall.minute(left) if left else "\u2026" if came else "",
        hours(day.worked_seconds) if day.worked_seconds else "",
        hours(paused(day)) if paused(day) else "",
        hours(day.balance_seconds, signed=True) if due else "",
    ]


def _by_day(
    sheet: Sheet, entries: Sequence[Entry], rules: Rules
) -> defaultdict[date, list[tuple[Entry, Punch | None]]]:
    """The entries, each on the day on which it counts; one that does not, on the day of which it was made."""
    counted = {punch.id: (day.day, punch) for day in sheet.days for punch in day.punches}
    told = defaultdict[date, list[tuple[Entry, Punch | None]]](list)
    for entry in entries:
        day, counts = counted.get(
            entry.original.id, (logical_day(entry.at, rules.zone, rules.attendance.day_starts), None)
        )
        if counts is None and apply([entry.punch] if entry.punch else [], entry.said):
            continue  # on a day beyond these
        told[day].append((entry, counts))
    for each in told.values():
        each.sort(key=lambda one: one[1].at if one[1] else one[0].at)
    return told


def year_json(db: Db, rules: Rules, year: int, *, at: datetime, person: str) -> YearTold:
    """Returns the days of a year on which somebody worked or was to, and its months, as JSON values."""
    found = attendance(db, rules, date(year, 1, 1), date(year, 12, 31), at=at, person=person)
    check_known(found, person)
    days = [day for sheet in found.sheets for day in sheet.days if day.stays or (day.planned and day.settled)]
    months = [[day for day in days if day.day.month == month] for month in range(1, 13)]
    return {
        "person": person,
        "name": found.name(person),
        "days": [(day.day.isoformat(), day.balance_seconds, [*_summed([day])]) for day in days],
        "months": [(each[0].day.isoformat(), *_summed(each)) for each in months if each],
    }


def _summed(days: Sequence[Day]) -> tuple[str, str]:
    worked, balance = (sum(getattr(day, what) for day in days) for what in ("worked_seconds", "balance_seconds"))
    return hours(worked), hours(balance, signed=True)
