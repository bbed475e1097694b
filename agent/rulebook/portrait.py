"""What a rulebook says as JSON, for whoever draws it: as it is written, and what that comes to."""

from __future__ import annotations

from calendar import isleap
from datetime import date, timedelta
from typing import Any

from typing_extensions import TypedDict

from agent.access.calendar import SpecialDays
from agent.access.factors import FACE, WAYS
from agent.access.recurrence import FIRST_YEAR, LAST_YEAR
from agent.access.rules import EVERYBODY, AntiPassback, Mode, Rules
from agent.access.schedule import ALWAYS, Period
from agent.attendance.rules import PunchType, TypeBy
from agent.rulebook.hours import Attendance
from agent.rulebook.kinds import HOLIDAY
from agent.rulebook.parse import read, rulebook, same_text
from agent.rulebook.plain import plain
from agent.rulebook.tables import DoorTable, Rulebook, ZoneTable, days_of, rank
from agent.rulebook.uses import used

_NAMED = ("schedules", "zones", "doors", "shifts")


class WeekTold(TypedDict):
    """A schedule."""

    keys: dict[str, list[str]]  # that are written, each with its periods in the order of the day
    days: list[str | None]  # of each day of the week, from Monday, the key that it has its periods from


class Portrait(TypedDict):
    """What rules say."""

    book: dict[str, Any]  # as TOML has them: ACCESS.md and ATTENDANCE.md explain it
    weeks: dict[str, WeekTold]  # by schedule
    kinds: list[str]  # of special days
    used: dict[str, dict[str, list[str]]]  # by table and name: where it is spoken of
    groups: list[str]


class SpecialDayTold(TypedDict):
    """A special day."""

    date: str
    name: str
    kind: str


class Forms(TypedDict):
    """What forms have to know."""

    defaults: dict[str, dict[str, Any]]  # by table and key: what holds where nothing is written
    choices: dict[str, list[str]]  # by key
    always: str  # the schedule that always holds
    years: list[int]  # the first and the last that there are special days of


def portrait(text: str, meant: Rulebook | None = None) -> Portrait:
    """Returns what rules say.

    Of a schedule `keys` are those that are written, with their periods in the order of the day, and `days` from which
    of them each day of the week has its periods: whoever changes them knows on which other days they hold as well.

    Args:
        text: of the rules.
        meant: what it says, where that has been found out.

    Raises:
        RulesRefused: with all that is wrong.
    """
    meant = meant or rulebook(text)
    book = plain(read(same_text(text)))
    kinds = dict.fromkeys([HOLIDAY, *(day.get("kind", HOLIDAY) for day in book.get("days", []))])
    return {
        "book": book,
        "weeks": {name: _week(keys) for name, keys in meant.schedules.items()},
        "kinds": [*kinds],
        "used": {
            table: {name: [".".join(map(str, path)) for path in paths] for name, paths in used(book, table).items()}
            for table in _NAMED
        },
        "groups": sorted(_groups(book)),
    }


def year_of(rules: Rules, year: int) -> list[SpecialDayTold]:
    """Returns the special days of a year, in order."""
    calendar = rules.calendar
    if not isinstance(calendar, SpecialDays):
        return []
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(365 + isleap(year)))
    found = ((day, calendar.on(day)) for day in days)
    return [{"date": f"{day}", "name": special.name, "kind": special.kind} for day, special in found if special]


def forms() -> Forms:
    """Returns what forms have to know: what holds where nothing is written, and which words there are."""
    return {
        "defaults": {
            "doors": plain(DoorTable().model_dump() | {"factors": str(FACE)}),
            "zones": plain(ZoneTable().model_dump()),
            "attendance": plain(Attendance().model_dump()),
        },
        "choices": {
            "mode": [*map(str, Mode)],
            "anti_passback": [*map(str, AntiPassback)],
            "type_by": [*map(str, TypeBy)],
            "type": [*map(str, PunchType)],
            "factors": [*WAYS],
        },
        "always": ALWAYS.name,
        "years": [FIRST_YEAR, LAST_YEAR],
    }


def _week(keys: dict[str, list[Period]]) -> WeekTold:
    ordered = {key: sorted(periods, key=lambda period: period.start) for key, periods in keys.items()}
    return {
        "keys": {key: [str(each) for each in periods] for key, periods in ordered.items()},
        "days": [min((key for key in keys if day in days_of(key)), key=rank, default=None) for day in range(7)],
    }


def _groups(book: dict[str, Any]) -> set[str]:
    """The groups that rules speak of."""
    tables = [*book.get("grants", []), *book.get("work", [])]
    named = {group for table in tables for group in table["groups"]}
    named |= {group for zone in book.get("zones", {}).values() for group in zone.get("exempt", [])}
    return named - {EVERYBODY}
