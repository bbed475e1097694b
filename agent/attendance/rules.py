"""The rules of attendance as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Literal

from agent.access.schedule import Schedule


class PunchType(StrEnum):
    """What a punch begins or ends."""

    IN = "in"
    OUT = "out"
    BREAK_START = "break_start"
    BREAK_END = "break_end"


class TypeBy(StrEnum):
    """How a punch gets its type."""

    KEY = "key"  # the key that the person pressed; as TOGGLE where none was
    SCHEDULE = "schedule"  # by the time of day: `AttendanceRules.by_schedule`
    TOGGLE = "toggle"  # the opposite of the last one
    FIRST_LAST = "first_last"  # the first of a day is in, every later one is out: the last counts
    FIXED = "fixed"  # always `AttendanceRules.fixed`


@dataclass(frozen=True, slots=True)
class Key:
    """A key on the terminal."""

    name: str
    type: PunchType
    job: str | None = None  # a job code, for the payroll


@dataclass(frozen=True, slots=True)
class Rounding:
    """How punches of one type are rounded."""

    minutes: int
    direction: Literal["up", "down", "nearest"]


@dataclass(frozen=True, slots=True)
class Deduction:
    """Who works longer than `after_minutes` has had at least `minutes` of break, by law if not by punch."""

    after_minutes: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody is to work."""

    name: str
    schedule: Schedule  # each span is a day's work
    break_minutes: int = 0  # unpaid, of each span, where none was punched
    late_minutes: int = 0  # this much later is not late yet
    early_minutes: int = 0  # this much earlier is not early yet


@dataclass(frozen=True, slots=True)
class AttendanceRules:
    """All of them."""

    enabled: bool = True
    terminals: frozenset[str] = frozenset({"*"})  # the doors that are time clocks; "*" is every door
    doors: Mapping[str, TypeBy] = field(default_factory=dict)  # by device; `type_by` for those not mentioned
    type_by: TypeBy = TypeBy.TOGGLE
    fixed: Mapping[str, PunchType] = field(default_factory=dict)  # by device
    by_schedule: tuple[tuple[str, PunchType], ...] = ()  # schedule -> type; the first that holds
    keys: Mapping[str, Key] = field(default_factory=dict)  # up to 16 beside the four types
    repeat_seconds: float = 60.0  # punches of one person closer than this are one
    day_starts: time = time(0, 0)  # a punch before belongs to the day before: night shifts
    longest_hours: float = 16.0  # an `in` older than this is a missing `out`, not a shift
    breaks_paid: bool = False
    deductions: tuple[Deduction, ...] = ()
    rounding: Mapping[PunchType, Rounding] = field(default_factory=dict)
    overtime_daily_minutes: int | None = None
    overtime_weekly_minutes: int | None = None
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    work: tuple[tuple[frozenset[str], str], ...] = ()  # groups -> shift; the first that fits

    def punches_at(self, door: str) -> bool:
        """Returns whether who is let in at a door has punched."""
        return self.enabled and not self.terminals.isdisjoint({"*", door})
