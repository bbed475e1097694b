"""Punches and rules written as short as people would say them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import count
from zoneinfo import ZoneInfo

from agent.access.rules import Rules
from agent.access.schedule import Period, Schedule
from agent.attendance.punch import Punch
from agent.attendance.rules import AttendanceRules, PunchType, Shift, TypeBy

BERLIN = ZoneInfo("Europe/Berlin")
TYPES = {"in": PunchType.IN, "out": PunchType.OUT, "(": PunchType.BREAK_START, ")": PunchType.BREAK_END}
_numbers = count(1)


class Days:
    """A calendar: ISO day -> kind."""

    def __init__(self, **kinds: str) -> None:
        self._kinds = {date.fromisoformat(day.lstrip("d").replace("_", "-")): kind for day, kind in kinds.items()}

    def kind(self, day: date, /) -> str | None:
        return self._kinds.get(day)


def site(zone=BERLIN, calendar=None, schedules=None, **attendance) -> Rules:
    return Rules(1, calendar or Days(), zone=zone, schedules=schedules or {}, attendance=AttendanceRules(**attendance))


def week(*periods: str, days: str = "1111100", name: str = "office", **special: tuple[Period, ...]) -> Schedule:
    """ "08:00-12:00" and the like on the days with a 1, Monday first."""
    made = tuple(period(text) for text in periods)
    return Schedule(name, tuple(made if day == "1" else () for day in days), special)


def period(text: str) -> Period:
    start, end = (time.fromisoformat(part) for part in text.split("-"))
    return Period(start, end)


def shift(*periods: str, days: str = "1111100", **more) -> dict:
    """Everybody of the group "staff" works so."""
    special = more.pop("special", {})
    made = Shift("day", week(*periods, days=days, **special), **more)
    return {"shifts": {"day": made}, "work": ((frozenset({"staff"}), "day"),)}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str, zone=BERLIN) -> datetime:
    """The instant that a clock on the wall shows; a second time with a * behind it."""
    local = datetime.fromisoformat(text.rstrip("*"))
    return local.replace(tzinfo=zone, fold=int(text.endswith("*"))).astimezone(UTC)


def punches(text: str, person: str = "anna", zone=BERLIN, by: TypeBy = TypeBy.TOGGLE, **more) -> list[Punch]:
    """ "2026-11-02: in 08:00 ( 12:00 ) 12:30 out 17:00" a line; +1 behind a time is the day after."""
    made = []
    for line in filter(None, map(str.strip, text.splitlines())):
        day, _, rest = line.partition(": ")
        words = rest.split()
        for kind, at in zip(words[::2], words[1::2], strict=True):
            clock, later, _ = at.partition("+")
            on = date.fromisoformat(day).toordinal() + bool(later)
            moment = wall(f"{date.fromordinal(on)} {clock}", zone)
            made.append(punch(kind, moment, person, by=by, **more))
    return made


def punch(kind: str, at: datetime, person: str = "anna", **more) -> Punch:
    return replace(Punch(f"P{next(_numbers):06}", person, at, TYPES[kind], by=TypeBy.TOGGLE), **more)
