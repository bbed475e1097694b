"""The shape of a rulebook: every table and key. `deploy/rules.example.toml` explains them one by one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from agent.access.calendar import EARLIEST_EASTER, LATEST_EASTER, ByEaster, Once, When, Yearly
from agent.access.recurrence import by_rule
from agent.access.rules import Mode
from agent.config.kinds import Table, TopicLevel
from agent.rulebook.hours import Attendance, ShiftTable, Work
from agent.rulebook.kinds import (
    DAYS,
    DayKey,
    DayText,
    Door,
    DoorOrAll,
    Group,
    GroupOrAll,
    Name,
    Periods,
    Schedule,
    ScheduleName,
    Seconds,
    TimeZone,
    Ways,
    ZoneOrOutside,
    refuse,
    refuse_keys,
)
from agent.rulebook.lines import Path

_LONGEST_SPECIAL_DAYS = 366
_MOST_RULES = 100


def days_of(key: str) -> tuple[int, ...]:
    """Returns the weekdays that a key of a schedule means, Monday is 0; none for a kind of special day."""
    if key == "daily":
        return tuple(range(7))
    first, _, last = key.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        return ()
    start = DAYS.index(first)
    return tuple((start + number) % 7 for number in range((DAYS.index(last or first) - start) % 7 + 1))


def rank(key: str) -> int:
    """Returns how much a key of a schedule yields: a day alone wins over a range of days, a range over `daily`."""
    return 2 if key == "daily" else 1 if "-" in key else 0


def _one_meaning(keys: dict[str, list[object]]) -> dict[str, list[object]]:
    ranges = [key for key in keys if rank(key) == 1 and days_of(key)]
    refuse_keys(
        [
            ((later,), f"{later} and {earlier} both say what holds on {DAYS[min(both)]}")
            for number, later in enumerate(ranges)
            for earlier in ranges[:number]
            if (both := set(days_of(later)) & set(days_of(earlier)))
        ]
    )
    return keys


def _few_rules(days: object) -> object:
    """Finding out that a rule never comes true takes a while."""
    rules = sum(isinstance(day, dict) and "repeat" in day for day in days) if isinstance(days, list) else 0
    if rules > _MOST_RULES:
        refuse(f"want at most {_MOST_RULES} with repeat, got {rules}")
    return days


class SpecialDayTable(Table):
    """`[[days]]`: a special day."""

    name: Name
    kind: Name = "holiday"
    date: DayText | None = None
    to: DayText | None = None  # the last day, included
    easter: Annotated[int, Field(ge=EARLIEST_EASTER, le=LATEST_EASTER)] | None = None  # days after Easter Sunday
    orthodox: bool = False  # Easter by the Julian calendar
    repeat: str | None = None  # RFC 5545
    _when: When = PrivateAttr()

    @property
    def when(self) -> When:
        """On which days."""
        return self._when

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        problems: list[tuple[Path, str]] = []
        if sum(way is not None for way in (self.easter, self.repeat or self.date)) != 1:
            problems.append(((), "want one of date, easter and repeat (with the date that it counts from, if any)"))
        if days_of(self.kind):
            problems.append((("kind",), f"{self.kind!r} means days of the week in a schedule: choose another word"))
        if self.to is not None and (self.date is None or self.repeat is not None):
            problems.append((("to",), "goes with a date alone"))
        if self.orthodox and self.easter is None:
            problems.append((("orthodox",), "goes with easter"))
        refuse_keys(problems)
        try:
            self._when = self._recurrence()
        except ValueError as error:
            refuse_keys([(("to",) if self.repeat is None else ("repeat",), str(error))])
        return self

    def _recurrence(self) -> When:
        if self.easter is not None:
            return ByEaster(self.easter, self.orthodox)
        if self.repeat is not None:
            if isinstance(self.date, tuple):
                raise ValueError("counts from a date with its year")
            return by_rule(self.repeat, self.date)
        match self.date, self.date if self.to is None else self.to:
            case date() as first, date() as last:
                if not 0 <= (last - first).days < _LONGEST_SPECIAL_DAYS:
                    raise ValueError(f"want a day from {first} to at most {_LONGEST_SPECIAL_DAYS - 1} days later")
                return Once(first, last)
            case tuple() as start, tuple() as end:
                return Yearly(start, end)
        raise ValueError("write both date and to with a year, or both without")


class ZoneTable(Table):
    """`[zones.NAME]`: an area whose doors know of each other who is inside."""

    anti_passback: Literal["off", "soft", "hard", "timed"] = "off"
    timed_minutes: Annotated[float, Field(gt=0, le=10_080)] | None = None
    forget_hours: Annotated[float, Field(gt=0, le=8760)] = 24.0
    peers_silent: Literal["allow", "deny"] = "allow"
    exempt: Annotated[list[Group], Field(max_length=1000)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if (self.anti_passback == "timed") != (self.timed_minutes is not None):
            refuse_keys([(("timed_minutes",), "goes with anti_passback = 'timed', which needs it")])
        return self


class DoorTable(Table):
    """`[doors.NAME]`: a door, called as its device."""

    factors: Ways | None = None
    factors_in: Annotated[dict[Schedule, Ways], Field(max_length=100)] = Field(default_factory=dict)
    mode: Literal["normal", "locked_down", "free_access", "scheduled", "first_person"] = "normal"
    unlocked: Schedule | None = None
    modes_by: Annotated[list[Group], Field(max_length=1000)] = Field(default_factory=lambda: ["cli", "mqtt"])
    two_person: Schedule | None = None
    two_person_seconds: Seconds = 20.0
    factor_seconds: Seconds = 15.0
    signature_seconds: Seconds = 30.0
    enters: ZoneOrOutside | None = None
    leaves: ZoneOrOutside | None = None
    passes_on_opening: bool = False
    interlock: Annotated[list[Door], Field(max_length=100)] = Field(default_factory=list)
    pulse_seconds: Seconds | None = None
    extended_seconds: Seconds = 15.0
    pin_every_hours: Annotated[float, Field(gt=0, le=8760)] | None = None
    failures: Annotated[int, Field(ge=1, le=100)] = 5
    lockout_seconds: Seconds = 30.0
    longest_lockout_seconds: Seconds = 3600.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems: list[tuple[Path, str]] = []
        if self.mode in {Mode.SCHEDULED, Mode.FIRST_PERSON} and self.unlocked is None:
            problems.append((("mode",), f"{self.mode!r} needs a schedule: say when in unlocked"))
        if self.enters is not None and self.enters == self.leaves:
            problems.append((("enters",), f"{self.enters!r} is the zone that the door leaves as well"))
        if self.pulse_seconds is not None and self.extended_seconds < self.pulse_seconds:
            problems.append(
                (
                    ("extended_seconds",),
                    f"{self.extended_seconds:g} is less than pulse_seconds = {self.pulse_seconds:g}",
                )
            )
        if self.longest_lockout_seconds < self.lockout_seconds:
            problems.append(
                (
                    ("longest_lockout_seconds",),
                    f"{self.longest_lockout_seconds:g} is less than lockout_seconds = {self.lockout_seconds:g}",
                )
            )
        refuse_keys(problems)
        return self


def _no_door_waits_for_itself(doors: dict[str, DoorTable]) -> dict[str, DoorTable]:
    refuse_keys(
        [
            ((name, "interlock"), f"the door {name!r} cannot wait for itself to be closed")
            for name, door in doors.items()
            if name in door.interlock
        ]
    )
    return doors


class GrantTable(Table):
    """`[[grants]]`: these groups may go through these doors in this schedule."""

    groups: Annotated[list[GroupOrAll], Field(min_length=1, max_length=1000)]
    doors: Annotated[list[DoorOrAll], Field(min_length=1, max_length=1000)]
    schedule: Schedule = "always"


class Rulebook(Table):
    """All of it."""

    time_zone: TimeZone
    schedules: Annotated[
        dict[ScheduleName, Annotated[dict[DayKey, Periods], AfterValidator(_one_meaning)]], Field(max_length=1000)
    ] = Field(default_factory=dict)
    days: Annotated[list[SpecialDayTable], Field(max_length=1000), BeforeValidator(_few_rules)] = Field(
        default_factory=list
    )
    zones: Annotated[dict[Name, ZoneTable], Field(max_length=100)] = Field(default_factory=dict)
    doors: Annotated[dict[TopicLevel, DoorTable], Field(max_length=1000), AfterValidator(_no_door_waits_for_itself)] = (
        Field(default_factory=dict)
    )
    grants: Annotated[list[GrantTable], Field(max_length=10_000)] = Field(default_factory=list)
    attendance: Attendance | None = None
    shifts: Annotated[dict[Name, ShiftTable], Field(max_length=1000)] = Field(default_factory=dict)
    work: Annotated[list[Work], Field(max_length=10_000)] = Field(default_factory=list)
