"""Rosters as people write them: who works from when to when."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.attendance.walltime import on_the_wall
from agent.delimiter import delimiter
from agent.moments import believable

LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rostered:
    """One piece of work that somebody is to do."""

    person: str
    starts_at: datetime  # UTC
    ends_at: datetime  # UTC


class RosterError(ValueError):
    """A roster that cannot be read: all that is wrong, a line each, beginning with where."""


def read_csv(text: str, zone: ZoneInfo) -> list[Rostered]:
    """Returns what a CSV file with the columns person, date, start, end says; other columns are not looked at.

    Dates are as in 2026-11-02, times as in 08:00, by the clock on the wall; an end that is not after its start is one
    of the day after. A time that the clock shows twice needs its offset, as in 02:30+01:00. Commas or semicolons.

    Raises:
        RosterError: naming every line that is wrong.
    """
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter(first))
    try:
        return _shifts(rows, zone)
    except csv.Error as error:
        raise RosterError(f"line {rows.reader.line_num}: not CSV: {error}") from error


def _shifts(rows: csv.DictReader[str], zone: ZoneInfo) -> list[Rostered]:
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    missing = [name for name in ("person", "date", "start", "end") if name not in rows.fieldnames]
    if missing:
        raise RosterError(f"line 1: no column {', '.join(missing)}: want person,date,start,end")
    found, wrong = [], []
    for row in rows:
        cells = {name: (row[name] or "").strip() for name in ("person", "date", "start", "end")}
        if not any(cells.values()):
            continue
        try:
            found.append(_rostered(**cells, zone=zone))
        except ValueError as error:
            wrong.append(f"line {rows.line_num}: {error}")
    if wrong:
        raise RosterError("\n".join(wrong))
    return found


def _rostered(person: str, date: str, start: str, end: str, zone: ZoneInfo) -> Rostered:
    if not person:
        raise ValueError("no person")
    day, begins, ends = _date(date), _time(start), _time(end)
    starts_at = _instant(day, begins, zone)
    until = day if ends.replace(tzinfo=None) > begins.replace(tzinfo=None) else day + timedelta(days=1)
    return checked(Rostered(person, starts_at, _instant(until, ends, zone)))


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    told = datetime.combine(day, at)
    return believable(told).astimezone(UTC) if told.tzinfo is not None else on_the_wall(told, zone)


def checked(rostered: Rostered) -> Rostered:
    """Returns it, if it lasts longer than nothing and not longer than a day.

    Raises:
        ValueError: it does not.
    """
    if not timedelta(0) < rostered.ends_at - rostered.starts_at <= LONGEST + timedelta(hours=3):
        raise ValueError(f"{rostered.person} works from {rostered.starts_at} to {rostered.ends_at}: want at most a day")
    return rostered


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; want it as in 2026-11-02") from None


def _time(text: str) -> time:
    try:
        return time(0) if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day; want it as in 08:00") from None
