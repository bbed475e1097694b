"""A month of everybody, in lots: what each has worked, and what of it somebody should look at."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from typing_extensions import TypedDict

from agent.access.rules import Rules
from agent.attendance.sheet import Sheet
from agent.reports.basis import Attendance, one_by_one
from agent.reports.board import RemarkTold, arrivals, remark_json
from agent.reports.exceptions import remarks, strangers_turned_away
from agent.reports.flags import BAD, to_look_at
from agent.reports.rows import Sums, sums_of
from agent.reports.words import hours
from agent.store.db import Db
from agent.store.rosters import who_worked

MOST_REMARKS: Final = 20  # of one person: who has more has a month to look at as a whole
MOST_STRANGERS: Final = 100


class PersonTold(Sums):
    """A month of somebody."""

    person: str
    name: str
    shift: str | None
    special: dict[str, int]  # seconds, by the kind of day
    cells: list[str]  # worked, planned, balance, overtime, in words
    look_at: int  # so many days
    days: list[list[int]]  # of each: seconds worked, seconds planned, 1 where something is wrong


class LotTold(TypedDict):
    """Some people's month."""

    zone: str
    people: list[PersonTold]
    remarks: list[RemarkTold]
    arrivals: list[int]  # by the hour
    last: str  # to go on after
    more: bool  # others follow


def lot_json(
    db: Db, rules: Rules, first: date, last: date, *, at: datetime, after: str = "", limit: int = 25
) -> LotTold:
    """Returns the days `first` to `last` of the `limit` people whose ids come after one, as JSON values.

    Args:
        db: the database.
        rules: in force.
        first: the first day.
        last: the last one, included.
        at: now.
        after: the last person of the lot before; with none, strangers are told too.
        limit: people.
    """
    people = who_worked(db, after=after, limit=limit + 1)
    found = [each for each in one_by_one(db, rules, first, last, people[:limit], at=at) if each.sheets]
    nobody = Attendance(first, last, rules, {}, (), at)
    told = [] if after else list(strangers_turned_away(nobody, db))[-MOST_STRANGERS:]
    return {
        "zone": rules.zone.key,
        "people": [_person(each) for each in found],
        "remarks": [
            *(remark_json(remark, nobody) for remark in told),
            *(remark_json(one, each) for each in found for one in remarks(each, db, strangers=False)[:MOST_REMARKS]),
        ],
        "arrivals": [sum(hour) for hour in zip([0] * 24, *(_arrivals(each) for each in found), strict=True)],
        "last": people[min(limit, len(people)) - 1] if people else after,
        "more": len(people) > limit,
    }


def _person(found: Attendance) -> PersonTold:
    (sheet,) = found.sheets
    return {
        "person": sheet.person,
        "name": found.name(sheet.person),
        "shift": sheet.shift,
        **sums_of(sheet.total),
        "special": sheet.special,
        "cells": _cells(sheet),
        "look_at": to_look_at(sheet.days),
        "days": [[day.worked_seconds, day.planned_seconds, int(bool(BAD & set(day.flags)))] for day in sheet.days],
    }


def _cells(sheet: Sheet) -> list[str]:
    """Worked, planned, balance, overtime, in words: without a plan there is none to show, and no balance."""
    worked, planned, balance, overtime = (
        sheet.total(f"{what}_seconds") for what in ("worked", "planned", "balance", "overtime")
    )
    due = [hours(planned), hours(balance, signed=True)] if planned else ["", ""]
    return [hours(worked), *due, hours(overtime) if overtime else ""]


def _arrivals(found: Attendance) -> list[int]:
    return arrivals(found.sheets[0].days, found)
