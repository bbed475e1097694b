"""Who is in today, who has gone, who should have come: for whoever looks in now and then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from typing_extensions import TypedDict

from agent.access.rules import Rules
from agent.attendance.days import logical_day
from agent.attendance.presence import Present
from agent.attendance.sheet import Day, Flag, Sheet
from agent.reports.basis import Attendance, attendance, present
from agent.reports.exceptions import Remark, remarks
from agent.reports.flags import FlagTold, flags_json
from agent.reports.punches import Wall
from agent.reports.words import clock, hours
from agent.store.db import Db

LOOK_BACK: Final = timedelta(days=3)  # so that on a Monday there is still what went wrong on Friday
_DAY: Final = timedelta(days=1)
_ON_THE_LIST: Final = frozenset({Flag.LATE, Flag.EARLY, Flag.ABSENT})  # today's are said beside the name
_SAID: Final = frozenset({Flag.OPEN, Flag.ABSENT})  # by the state


class State(StrEnum):
    """Where somebody is today, as far as anybody knows."""

    IN = "in"
    BREAK = "break"
    MISSING = "missing"  # was to come and has not
    EXPECTED = "expected"  # later
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody who is in, was in, or should be."""

    person: str
    state: State
    present: Present | None
    day: Day | None  # the one that they are working at, or should; None: nothing is known but that a door was opened


class RemarkTold(TypedDict):
    """Something to look at."""

    day: str
    person: str | None  # none: nobody knows
    name: str | None
    what: str
    detail: str


class StandingTold(TypedDict):
    """Somebody who is in, was in, or should be."""

    person: str
    name: str
    state: State
    since: str  # by the clock on the wall; empty: not in
    where: str | None
    by: str | None
    planned: list[list[str]]  # from when to when
    worked_seconds: int
    worked: str  # in words
    flags: list[FlagTold]


class BoardTold(TypedDict):
    """How things stand."""

    zone: str
    at: str
    day: str
    kind: str | None  # of a special day
    counts: dict[str, int]  # by state
    more: bool  # people than these
    people: list[StandingTold]
    remarks: list[RemarkTold]
    more_remarks: int
    arrivals: list[int]  # by the hour


@dataclass(frozen=True, slots=True)
class Board:
    """All of them, and what there is to look at."""

    day: date
    found: Attendance
    standings: tuple[Standing, ...]
    remarks: tuple[Remark, ...]  # of the last days


def board(db: Db, rules: Rules, at: datetime, device: str) -> Board:
    """Returns how things stand.

    Args:
        db: the database.
        rules: in force.
        at: now.
        device: the name of this door.
    """
    today = logical_day(at, rules.zone, rules.attendance.day_starts)
    found = attendance(db, rules, today - LOOK_BACK, today + _DAY, at=at)
    inside = {each.person: each for each in present(db, rules, at, device)}
    sheets = {sheet.person: sheet for sheet in found.sheets}
    standings = (_standing(who, sheets.get(who), inside.get(who), found, today) for who in sorted({*sheets, *inside}))
    told = [
        remark
        for remark in remarks(found, db, strangers=True)
        if remark.day < today or (remark.day == today and remark.what not in _ON_THE_LIST)
    ]
    return Board(today, found, tuple(each for each in standings if each is not None), tuple(reversed(told)))


def _standing(
    person: str, sheet: Sheet | None, here: Present | None, found: Attendance, today: date
) -> Standing | None:
    day = _at_work(sheet, found.at, today) if sheet else None
    if here is not None:
        return Standing(person, State.BREAK if here.on_break else State.IN, here, day)
    if day is None or not (day.planned or day.stays or day.punches):
        return None
    if day.stays or day.punches:
        return Standing(person, State.GONE, None, day)
    shift = found.rules.attendance.shifts.get(sheet.shift) if sheet and sheet.shift else None
    grace = timedelta(minutes=shift.late_minutes if shift else 0)
    late = day.planned[0].starts_at + grace < found.at
    return Standing(person, State.MISSING if late else State.EXPECTED, None, day)


def _at_work(sheet: Sheet, at: datetime, today: date) -> Day | None:
    """The day whose stay or whose plan goes on, whatever its date: of a night shift yesterday's; or else today's."""
    near = [day for day in sheet.days if abs(day.day - today) <= _DAY]
    stayed = [day for day in near if any(stay.left is None for stay in day.stays)]
    planned = [day for day in near if any(span.starts_at <= at < span.ends_at for span in day.planned)]
    return next(iter([*stayed, *planned, *(day for day in near if day.day == today)]), None)


def arrivals(days: Iterable[Day], found: Attendance) -> list[int]:
    """Returns how many came first on these days, by the hour that the clock on the wall showed."""
    came = (day.stays[0].came.at.astimezone(found.rules.zone).hour for day in days if day.stays)
    by_hour = Counter(came)
    return [by_hour[hour] for hour in range(24)]


def board_json(told: Board, most: int) -> BoardTold:
    """Returns it as JSON values; at most so many people, those first who were to come, and so many remarks."""
    order = [State.MISSING, State.BREAK, State.IN, State.EXPECTED, State.GONE]
    standings = sorted(told.standings, key=lambda each: order.index(each.state))
    zone = told.found.rules.zone
    return {
        "zone": zone.key,
        "at": clock(told.found.at, zone),
        "day": told.day.isoformat(),
        "kind": told.found.rules.calendar.kind(told.day),
        "counts": {state: sum(each.state is state for each in standings) for state in State},
        "more": len(standings) > most,
        "people": [_json(each, told.found, Wall(told.day, zone)) for each in standings[:most]],
        "remarks": [remark_json(each, told.found) for each in told.remarks[:most]],
        "more_remarks": max(len(told.remarks) - most, 0),
        "arrivals": arrivals(_todays(told), told.found),
    }


def remark_json(remark: Remark, found: Attendance) -> RemarkTold:
    """Returns something to look at as JSON values."""
    name = found.name(remark.person) if remark.person else None
    what = remark.what.replace("_", " ")
    return {
        "day": remark.day.isoformat(), "person": remark.person, "name": name, "what": what, "detail": remark.detail
    }  # fmt: skip


def _todays(told: Board) -> Iterator[Day]:
    for sheet in told.found.sheets:
        yield from (day for day in sheet.days if day.day == told.day)


def _json(each: Standing, found: Attendance, wall: Wall) -> StandingTold:
    here, day = each.present, each.day
    return {
        "person": each.person,
        "name": found.name(each.person),
        "state": each.state,
        "since": wall.minute(here.since) if here else "",
        "where": here.where if here else None,
        "by": here.by if here else None,
        "planned": planned_json(day, found) if day else [],
        "worked_seconds": day.worked_seconds if day else 0,
        "worked": hours(day.worked_seconds) if day and day.worked_seconds else "",
        "flags": [flag for flag in flags_json(day) if flag["flag"] not in _SAID] if day else [],
    }


def planned_json(day: Day, found: Attendance) -> list[list[str]]:
    """Returns from when to when somebody is to work on a day, by the clock on the wall."""
    zone = found.rules.zone
    return [[clock(span.starts_at, zone), clock(span.ends_at, zone)] for span in day.planned]
