"""The kinds of value that rules are made of, each refusing what could not be obeyed.

Names of schedules, zones, doors, shifts and kinds of day are looked up while the text is checked: the context of the
validation is a `Names`.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from typing import Annotated, Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from agent.access.factors import Factors
from agent.access.recurrence import FIRST_YEAR, LAST_YEAR
from agent.access.rules import EVERY_DOOR, EVERYBODY
from agent.access.schedule import ALWAYS, Period
from agent.rulebook.lines import Path

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY: Final = "holiday"
_LONGEST_NAME: Final = 64
_PERIOD: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ?[-\u2013] ?(?:([01]\d|2[0-3]):([0-5]\d)|(24:00))", re.ASCII)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MONTH_DAY: Final = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_LEAP_YEAR: Final = 2000

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Names:
    """What a text defines, for others to refer to."""

    known: Mapping[str, frozenset[str]]  # "schedule" -> names

    @classmethod
    def of(cls, raw: Mapping[str, object]) -> Names:
        """Returns the names in a text that is not checked yet."""
        days = raw.get("days")
        kinds = [day.get("kind") for day in days if isinstance(day, dict)] if isinstance(days, list) else []
        tables = {"schedule": "schedules", "zone": "zones", "door": "doors", "shift": "shifts"}
        known = {what: frozenset(_keys(raw.get(table))) for what, table in tables.items()}
        known["schedule"] |= {ALWAYS.name}
        known["day"] = frozenset({HOLIDAY, "daily", *DAYS, *(kind for kind in kinds if isinstance(kind, str))})
        return cls(known)


def refuse(text: str) -> NoReturn:
    """Refuses a value: `text` is all that is told beside where."""
    raise PydanticCustomError("refused", "{text}", {"text": text})


def refuse_value(value: object, wanted: str) -> NoReturn:
    """Refuses a value and says what is wanted in its place."""
    refuse(f"{shown(value)}: want {wanted}")


def refuse_keys(problems: list[tuple[Path, str]]) -> None:
    """Refuses all of these at once, if there are any: each with its path from the value that is checked."""
    if problems:
        raise PydanticCustomError("refused_keys", "several problems", {"problems": problems})


def shown(value: object) -> str:
    """Returns the value as it is written, cut to a readable length."""
    try:
        return reprlib.repr(value)
    except ValueError:  # an integer of too many digits to be written
        return "a huge number"


def _keys(table: object) -> list[str]:
    return [*table] if isinstance(table, dict) else []


def _name(text: str) -> str:
    if not (text.isprintable() and 0 < len(text) <= _LONGEST_NAME and text == text.strip()) or text == EVERYBODY:
        refuse_value(text, f"a name of 1 to {_LONGEST_NAME} printable characters, without blanks around it")
    return text


def _group(text: str) -> str:
    return text if text == EVERYBODY else _name(text)


def _new_schedule(text: str) -> str:
    if text == ALWAYS.name:
        refuse(f"the schedule {ALWAYS.name!r} is there already: choose another name")
    return text


def _known(what: str, *, also: str | None = None) -> AfterValidator:
    """A name that has to be defined somewhere in the text, or `also`. What was meant is guessed when it is told."""

    def check(name: str, info: ValidationInfo) -> str:
        if isinstance(info.context, Names) and name not in info.context.known[what] and name != also:
            raise PydanticCustomError("unknown_name", "unknown", {"what": what, "name": name})
        return name

    return AfterValidator(check)


def _days(key: str, info: ValidationInfo) -> str:
    if set(key.split("-")) <= set(DAYS) and key.count("-") <= 1:
        return key
    if isinstance(info.context, Names) and key not in info.context.known["day"]:
        raise PydanticCustomError("unknown_name", "unknown", {"what": "day", "name": key})
    return key


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", value):
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as "Europe", is an OSError
            raise PydanticCustomError("unknown_zone", "unknown", {"name": value}) from None
    refuse_value(value, "the name of a time zone, as in 'Europe/Berlin'")


def _period(value: object) -> Period:
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if not found:
        refuse_value(value, "from-to as in '07:00-19:00', '22:00-06:00' (into the next day) or '00:00-24:00'")
    hour, minute, end_hour, end_minute, midnight = found.groups()
    return Period(time(int(hour), int(minute)), time.min if midnight else time(int(end_hour), int(end_minute)))


def _apart(periods: list[Period]) -> list[Period]:
    """Two periods of a day that overlap are a slip of the pen, and in a shift time that would count twice."""
    ordered = sorted(periods, key=lambda period: period.start)
    for one, other in pairwise(ordered):
        if one.end <= one.start or one.end > other.start:
            refuse(f"{one} and {other} overlap")
    return periods


def _time(value: object) -> time:
    if isinstance(value, time) and not (value.second or value.microsecond):
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found:
        refuse_value(value, "a time of day as in '04:00'")
    return time(int(found[1]), int(found[2]))


def _date(value: object) -> date | MonthDay:
    wanted = f"a date as in '2026-12-24' ({FIRST_YEAR} to {LAST_YEAR}), or one of every year as in '12-24'"
    try:
        if isinstance(value, str) and (found := _MONTH_DAY.fullmatch(value)):
            date(_LEAP_YEAR, int(found[1]), int(found[2]))
            return int(found[1]), int(found[2])
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        refuse_value(value, wanted)
    if not isinstance(day, date) or isinstance(day, datetime) or not FIRST_YEAR <= day.year <= LAST_YEAR:
        refuse_value(value, wanted)
    return day


def _factors(value: object) -> Factors:
    if not isinstance(value, str):
        refuse_value(value, "ways to be let in, as in 'face+pin', or 'face, card+pin' where either is enough")
    try:
        return Factors.parse(value)
    except ValueError as error:
        refuse(str(error))


Name = Annotated[str, AfterValidator(_name)]
Group = Name
GroupOrAll = Annotated[str, AfterValidator(_group)]
ScheduleName = Annotated[str, AfterValidator(_name), AfterValidator(_new_schedule)]
DayKey = Annotated[str, AfterValidator(_days)]

Schedule = Annotated[str, _known("schedule")]
ZoneOrOutside = Annotated[str, _known("zone", also="")]
Door = Annotated[str, _known("door")]
DoorOrAll = Annotated[str, _known("door", also=EVERY_DOOR)]
Shift = Annotated[str, _known("shift")]

TimeZone = Annotated[ZoneInfo, PlainValidator(_zone)]
Periods = Annotated[list[Annotated[Period, PlainValidator(_period)]], Field(max_length=48), AfterValidator(_apart)]
TimeOfDay = Annotated[time, PlainValidator(_time)]
DayText = Annotated[date | MonthDay, PlainValidator(_date)]
Ways = Annotated[Factors, PlainValidator(_factors)]

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Minutes = Annotated[int, Field(ge=0, le=1440)]
