"""Days that come again by a recurrence rule of RFC 5545, section 3.3.10."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from dateutil.rrule import rrule, rrulestr

FIRST_YEAR: Final = 1970  # of the date that a rule counts from: every year costs a little
LAST_YEAR: Final = 2199
LONGEST_RULE: Final = 200  # characters

_WEEKDAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_VALUES: Final[Mapping[str, tuple[str, str]]] = {  # what one value looks like, and in words
    "FREQ": ("YEARLY|MONTHLY|WEEKLY|DAILY", "YEARLY, MONTHLY, WEEKLY or DAILY"),
    "INTERVAL": ("[1-9][0-9]{0,2}", "1 to 999"),
    "COUNT": ("[1-9][0-9]{0,3}", "1 to 9999"),
    "UNTIL": ("[0-9]{8}(?:T[0-9]{6}Z?)?", "a date, as in 20301231"),
    "BYMONTH": ("0?[1-9]|1[0-2]", "1 to 12"),
    "BYWEEKNO": ("[+-]?(?:0?[1-9]|[1-4][0-9]|5[0-3])", "1 to 53 or -53 to -1"),
    "BYYEARDAY": ("[+-]?(?:0{0,2}[1-9]|0?[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])", "1 to 366 or -366 to -1"),
    "BYMONTHDAY": ("[+-]?(?:0?[1-9]|[12][0-9]|3[01])", "1 to 31 or -31 to -1"),
    "BYDAY": (f"(?:[+-]?(?:0?[1-9]|[1-4][0-9]|5[0-3]))?{_WEEKDAY}", "MO, TU, WE, TH, FR, SA, SU, or as in -1MO"),
    "BYSETPOS": ("[+-]?(?:0?[1-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])", "1 to 366 or -366 to -1"),
    "WKST": (_WEEKDAY, "MO, TU, WE, TH, FR, SA or SU"),
}
_ONE: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})  # a single value
_BY: Final = {
    "DAILY": frozenset[str](),
    "WEEKLY": frozenset({"BYDAY", "BYMONTH"}),
    "MONTHLY": frozenset({"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"}),
    "YEARLY": frozenset({"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"}),
}
"""What may choose days of each. A rule that never comes true costs seconds; these few always do, or are soon found."""
_CHOOSES: Final = frozenset({"BYDAY", "BYMONTHDAY", "BYWEEKNO", "BYYEARDAY"})  # days, whatever day the rule starts on
_LAST_CYCLE: Final = 9999 - 400  # dates fall on the same weekdays every 400 years, and 9999 is the last one


@dataclass(frozen=True, slots=True)
class ByRule:
    """By a recurrence rule. Make it with `by_rule`."""

    rule: str
    first: date | None = None  # from which it counts; None: it chooses its days by itself, in every year

    def days(self, year: int) -> Iterator[date]:
        """Returns those of a year."""
        starts = self.first or date(max(year - 1, 1), 1, 1)  # weeks and sets over New Year are whole
        found = _made(self.rule, starts).between(datetime(year, 1, 1), datetime(year, 12, 31), inc=True)  # noqa: DTZ001
        return (at.date() for at in found)


def by_rule(text: str, first: date | None = None) -> ByRule:
    """Returns the rule that `text` writes, without a leading `RRULE:`.

    Args:
        text: as in `FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO`, the last Monday in May.
        first: the day it counts from: wanted for INTERVAL and COUNT, and where the rule does not choose its days.

    Raises:
        ValueError: saying what is wrong with it; also that it names no day at all.
    """
    parts = _parts(text)
    free = {key: value for key, value in parts.items() if key not in {"INTERVAL", "COUNT", "UNTIL"}}
    if first is None:
        counted = [key for key in ("INTERVAL", "COUNT") if key in parts]
        if counted:
            raise ValueError(f"{counted[0]} counts from a day: give `date` as well")
        if not parts.keys() & _CHOOSES:
            raise ValueError("it does not say which day: give `date` as well, or BYDAY, BYMONTHDAY or BYYEARDAY")
    elif not FIRST_YEAR <= first.year <= LAST_YEAR:
        raise ValueError(f"it counts from {first}: want a day in {FIRST_YEAR} to {LAST_YEAR}")
    cycle = date(_LAST_CYCLE, first.month, min(first.day, 28)) if first else date(_LAST_CYCLE, 1, 1)
    rule = ";".join(f"{key}={value}" for key, value in parts.items())
    if not _happens(";".join(f"{key}={value}" for key, value in free.items()), cycle) or not _happens(
        rule, first or date(FIRST_YEAR, 1, 1)
    ):
        raise ValueError("there is no such day")
    return ByRule(rule, first)


def _parts(text: str) -> dict[str, str]:
    """The parts of a rule by their names, checked one by one."""
    if len(text) > LONGEST_RULE:
        raise ValueError(f"a rule has at most {LONGEST_RULE} characters, this one {len(text)}")
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in _VALUES:
            raise ValueError(f"{part[:40]!r} is no part of a rule; there are {', '.join(_VALUES)}, each with '='")
        if key in parts:
            raise ValueError(f"{key} stands there twice")
        pattern, words = _VALUES[key]
        wrong = [one for one in ([value] if key in _ONE else value.split(",")) if not re.fullmatch(pattern, one)]
        if wrong:
            raise ValueError(f"{key}={wrong[0][:20]}: want {words}")
        parts[key] = value
    _fit(parts)
    return parts


def _fit(parts: dict[str, str]) -> None:
    """Refuses parts that do not go together, and makes UNTIL a day."""
    if "FREQ" not in parts:
        raise ValueError("FREQ is missing: want YEARLY, MONTHLY, WEEKLY or DAILY")
    frequency = parts["FREQ"]
    idle = [key for key in parts if key.startswith("BY") and key not in _BY[frequency]]
    if idle:
        raise ValueError(f"{idle[0]} does not go with FREQ={frequency}")
    if frequency == "WEEKLY" and re.search("[0-9]", parts.get("BYDAY", "")):
        raise ValueError(f"BYDAY={parts['BYDAY'][:20]}: a week has each day once; numbers go with MONTHLY and YEARLY")
    if {"COUNT", "UNTIL"} <= parts.keys():
        raise ValueError("COUNT and UNTIL exclude each other")
    if "UNTIL" in parts:
        until = parts["UNTIL"] = parts["UNTIL"][:8]
        try:
            date.fromisoformat(until)
        except ValueError:
            raise ValueError(f"UNTIL={until}: there is no such date") from None


def _made(rule: str, first: date) -> rrule:
    made = rrulestr(rule, dtstart=datetime(first.year, first.month, first.day))  # noqa: DTZ001 - a day, in no zone
    if not isinstance(made, rrule):
        raise TypeError(f"{rule!r} is more than one rule")
    return made


def _happens(rule: str, first: date) -> bool:
    return next(iter(_made(rule, first)), None) is not None
