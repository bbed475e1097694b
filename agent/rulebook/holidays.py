"""Special days from other programs' files: calendars (iCalendar, RFC 5545) and lists (CSV)."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from agent.access.recurrence import FIRST_YEAR, by_rule
from agent.delimiter import delimiter
from agent.errors import RulesRefused
from agent.rulebook.parse import LONGEST_TEXT

_LONGEST_NAME = 64
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_DATE = re.compile(r"(?:\d{4}-)?\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Holiday:
    """An entry of `[[days]]`."""

    name: str
    kind: str
    date: str | None  # "2026-12-24", or "12-24" of every year
    to: str | None = None
    repeat: str | None = None

    def given(self) -> dict[str, str]:
        """Returns its keys, without those that it does not need."""
        every = {"name": self.name, "kind": self.kind, "date": self.date, "to": self.to, "repeat": self.repeat}
        return {key: value for key, value in every.items() if value is not None}

    def toml(self) -> str:
        """Returns it as it is written in a rulebook."""
        # A JSON text is one of TOML's, where nothing in it is unprintable
        pairs = (f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in self.given().items())
        return "\n".join(["[[days]]", *pairs])


def from_csv(text: str, *, kind: str) -> list[Holiday]:
    """Returns the days of a list: date, name and, if another than `kind`, the kind; a first line of headings may be.

    Raises:
        RulesRefused: with every line that is none.
    """
    problems, found = [], []
    _check_size(text)
    try:
        rows = list(csv.reader(text.removeprefix("\ufeff").splitlines(), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise RulesRefused([f"not CSV: {error}"]) from None
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#") or (number == 1 and cells[0].lower() == "date"):
            continue
        if len(cells) not in (2, 3) or not _DATE.fullmatch(cells[0]):
            problems.append(f"line {number}: want date, name and perhaps kind, as in 2026-12-25,Christmas")
            continue
        found.append(Holiday(_name(cells[1]), _name(cells[2]) if cells[2:] and cells[2] else kind, cells[0]))
    if problems:
        raise RulesRefused(problems)
    return found


def from_ics(data: bytes, *, kind: str) -> list[Holiday]:
    """Returns the days of a calendar, by date; what is cancelled is left out.

    Args:
        data: the file.
        kind: of all of them.

    Raises:
        RulesRefused: with every event that a rulebook cannot say.
        ImportError: icalendar is not installed.
    """
    from icalendar import Calendar

    _check_size(data)
    try:
        calendar = Calendar.from_ical(data)
        events = [event for event in calendar.walk("VEVENT") if event.get("STATUS") != "CANCELLED"]
        ranges = [_days(event) for event in events]
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        what = "".join(each if each.isprintable() else "?" for each in str(error)[:80])
        raise RulesRefused([f"not a calendar that can be read (iCalendar, RFC 5545): {what}"]) from None
    problems, found = [], []
    for event, (first, last) in sorted(zip(events, ranges, strict=True), key=lambda one: one[1]):
        name = _name(str(event.get("SUMMARY", "")))
        try:
            found.append(_holiday(event, name, kind, first, last))
        except ValueError as error:
            problems.append(f"{first} {name}: {error}")
    if problems:
        raise RulesRefused(problems)
    return found


def unknown_to(text: str, holidays: Iterable[Holiday]) -> list[Holiday]:
    """Returns those that a rulebook does not have yet.

    Args:
        text: of a rulebook that is right.
        holidays: each once.
    """
    there = {tuple(str(day.get(key, "")) for key in ("date", "to", "repeat")) for day in _days_of(text)}
    new = {(day.date or "", day.to or "", day.repeat or ""): day for day in holidays}
    return [day for key, day in new.items() if key not in there]


def _days_of(text: str) -> Iterator[dict[str, Any]]:
    yield from tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n")).get("days", [])


def _holiday(event: Any, name: str, kind: str, first: date, last: date) -> Holiday:
    """An event of a calendar as an entry; ValueError says what a rulebook cannot say."""
    odd = [key for key in ("RDATE", "EXDATE", "RECURRENCE-ID", "EXRULE") if key in event]
    if odd:
        raise ValueError(f"{odd[0]} (an exception of a series) cannot be taken over: write these days one by one")
    rule = event.get("RRULE")
    if rule is None:
        return Holiday(name, kind, f"{first}", None if last == first else f"{last}")
    if isinstance(rule, list):
        raise ValueError("has several rules of recurrence: want one")  # noqa: TRY004 - the file is wrong
    text = ";".join(part for part in rule.to_ical().decode().split(";") if part != "INTERVAL=1")
    if text.partition(";WKST")[0] == "FREQ=YEARLY":
        return Holiday(name, kind, f"{first:%m-%d}", None if last == first else f"{last:%m-%d}")
    if last != first:
        raise ValueError("a series of several days cannot be taken over: write its days one by one")
    since = None if first.year < FIRST_YEAR else first  # a rule that chooses its days needs no first one
    by_rule(text, since)
    return Holiday(name, kind, None if since is None else f"{since}", repeat=text)


def _days(event: Any) -> tuple[date, date]:
    """The first and the last day of an event; its end is not part of it."""
    start = event["DTSTART"].dt
    if not isinstance(start, date):
        raise TypeError("DTSTART is no date")
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        end = start
    last = end - (_INSTANT if isinstance(end, datetime) else _DAY)
    first = start.date() if isinstance(start, datetime) else start
    return first, max(first, last.date() if isinstance(last, datetime) else last)


def _name(text: str) -> str:
    """A name that a rulebook takes."""
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return words[:_LONGEST_NAME].strip("* ") or "day"


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return delimiter(first)


def _check_size(data: str | bytes) -> None:
    if len(data) > LONGEST_TEXT:
        raise RulesRefused([f"the file has {len(data):,} characters: want at most {LONGEST_TEXT:,}"])
