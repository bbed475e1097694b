"""What reports are made of: the punches that count, by the rules in force."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from agent.access.rules import Rules
from agent.attendance.days import logical_day
from agent.attendance.presence import Present, who_is_in
from agent.attendance.sheet import Sheet
from agent.attendance.timesheet import timesheets, window
from agent.errors import CommandError
from agent.moments import believable
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.reports.flags import MISSING
from agent.store import passages, punches
from agent.store.db import Db
from agent.store.rosters import Worker, rosters, workers


@dataclass(frozen=True, slots=True)
class Attendance:
    """The timesheets of some days."""

    first: date
    last: date
    rules: Rules
    names: dict[str, str]  # by person, of those who were asked for; who is not enrolled any more has none
    sheets: tuple[Sheet, ...]
    at: datetime  # when it was made, UTC

    def name(self, person: str) -> str:
        """Returns what a person is called; the id of somebody who has gone."""
        return self.names.get(person, person)


def attendance(
    db: Db,
    rules: Rules,
    first: date,
    last: date,
    *,
    at: datetime,
    person: str | None = None,
    everybody: Mapping[str, Worker] | None = None,
) -> Attendance:
    """Returns the timesheets of the days `first` to `last`, of one person or of all.

    Args:
        db: the database.
        rules: in force.
        first: the first day.
        last: the last one, included.
        at: now.
        person: only this one.
        everybody: as of `workers`, for whoever asks for many, one by one.
    """
    begin, end = window(rules, first, last)
    if everybody is None:
        everybody = workers(db, person)
    elif person is not None:  # before anything is made of everybody: many are asked for one by one
        everybody = {person: everybody[person]} if person in everybody else {}
    sheets = timesheets(
        punches.counted(db, begin, end, person),
        rules,
        first,
        last,
        people={id_: worker.employee for id_, worker in everybody.items()},
        at=at,
        rosters=rosters(db, begin, end, rules.zone, person),
    )
    names = {id_: worker.name for id_, worker in everybody.items()}
    return Attendance(first, last, rules, names, tuple(sheets), at)


def one_by_one(
    db: Db, rules: Rules, first: date, last: date, people: Iterable[str], *, at: datetime
) -> Iterator[Attendance]:
    """Yields the timesheets of each of some people, so that of many few are in memory."""
    everybody = workers(db)
    for person in people:
        yield attendance(db, rules, first, last, at=at, person=person, everybody=everybody)


def check_known(found: Attendance, person: str | None) -> None:
    """Refuses somebody of whom nothing is known.

    Raises:
        CommandError: there is no such person, and nobody punched so.
    """
    if person is not None and person not in found.names and not found.sheets:
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}, and nobody punched so")


def month_of(text: str) -> tuple[date, date]:
    """Returns the first and the last day of a month such as 2026-11.

    Raises:
        ValueError: it is none.
    """
    try:
        first = date.fromisoformat(f"{text}-01")
        believable(datetime.combine(first, time(), UTC))
    except ValueError:
        raise ValueError(f"{text!r} is not a month; want it as in 2026-11") from None
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def own_hours(db: Db, rules: Rules, person: str, at: datetime) -> dict[str, Any]:
    """Returns a person's own hours as JSON values: this month to date, and today. For the kiosk and over MQTT.

    All `_seconds` are whole; `balance_seconds` is worked minus planned, of what is over.
    """
    today = logical_day(at, rules.zone, rules.attendance.day_starts)
    tomorrow = today + timedelta(days=1)  # whose work somebody may have come for already
    found = attendance(db, rules, today.replace(day=1), tomorrow, at=at, person=person)
    every = found.sheets[0].days if found.sheets else ()
    stays = [stay for day in every for stay in day.stays if stay.left is None]
    days = [day for day in every if day.day <= today]
    now = next((day for day in days if day.day == today), None)
    return {
        "person": person,
        "month": f"{today:%Y-%m}",
        "worked_seconds": sum(day.worked_seconds for day in days),
        "overtime_seconds": sum(day.overtime_seconds for day in days),
        "balance_seconds": sum(day.balance_seconds for day in days),
        "today_seconds": now.worked_seconds if now else 0,
        "in_since": timestamp(stays[-1].came.at) if stays else None,
        "to_correct": [
            {"day": day.day.isoformat(), "flag": flag.value} for day in days for flag in day.flags if flag in MISSING
        ],
    }


def present(db: Db, rules: Rules, at: datetime, device: str) -> list[Present]:
    """Returns who is in, as far as this device knows."""
    begin, end = at - timedelta(hours=rules.attendance.longest_hours), at + timedelta(seconds=1)
    return who_is_in(punches.counted(db, begin, end), passages.passages(db, begin, end, device), rules, at)


def present_json(found: Sequence[Present], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns who is in as JSON values."""
    return [
        {
            "person": each.person,
            "name": names.get(each.person),
            "since": timestamp(each.since),
            "where": each.where,
            "by": each.by,
            "on_break": each.on_break,
        }
        for each in found
    ]
