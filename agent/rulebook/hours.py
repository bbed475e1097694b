"""The shape of the rules of attendance: `[attendance]`, `[shifts.NAME]` and `[[work]]`."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.config.kinds import Table
from agent.rulebook.kinds import Door, DoorOrAll, Group, Minutes, Name, Schedule, Shift, TimeOfDay, refuse_keys
from agent.rulebook.lines import Path

Type = Literal["in", "out", "break_start", "break_end"]
By = Literal["key", "schedule", "toggle", "first_last", "fixed"]

MOST_KEYS = 16  # beside the four types


class KeyTable(Table):
    """`[attendance.keys.NAME]`: a key on the terminal."""

    type: Type
    job: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class RoundingTable(Table):
    """`[attendance.rounding.TYPE]`: how punches of a type are rounded."""

    minutes: Annotated[int, Field(ge=1, le=60)]
    direction: Literal["up", "down", "nearest"]


class DeductionTable(Table):
    """`[[attendance.deductions]]`: a break that everybody has had who works for longer."""

    after_minutes: Minutes
    minutes: Minutes


class BySchedule(Table):
    """`[[attendance.by_schedule]]`: what a punch is in a schedule."""

    schedule: Schedule
    type: Type


class Attendance(Table):
    """`[attendance]`: from punches to hours."""

    enabled: bool = True
    terminals: Annotated[list[DoorOrAll], Field(max_length=1000)] = Field(default_factory=lambda: ["*"])
    type_by: By = "toggle"
    doors: Annotated[dict[Door, By], Field(max_length=1000)] = Field(default_factory=dict)
    fixed: Annotated[dict[Door, Type], Field(max_length=1000)] = Field(default_factory=dict)
    by_schedule: Annotated[list[BySchedule], Field(max_length=100)] = Field(default_factory=list)
    keys: Annotated[dict[Name, KeyTable], Field(max_length=MOST_KEYS)] = Field(default_factory=dict)
    repeat_seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0
    day_starts: TimeOfDay = time(0, 0)
    longest_hours: Annotated[float, Field(gt=0, le=48)] = 16.0
    breaks_paid: bool = False
    deductions: Annotated[list[DeductionTable], Field(max_length=20)] = Field(default_factory=list)
    rounding: dict[Type, RoundingTable] = Field(default_factory=dict)
    overtime_daily_minutes: Minutes | None = None
    overtime_weekly_minutes: Annotated[int, Field(ge=0, le=10_080)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems: list[tuple[Path, str]] = [
            (("keys", name), f"{name!r} is a type, and there already") for name in self.keys if name in _TYPES
        ]
        ways = {self.type_by, *self.doors.values()}
        if "schedule" in ways and not self.by_schedule:
            problems.append((("by_schedule",), "'schedule' needs it: say which schedule makes which type"))
        problems += [
            (("doors", door), f"'fixed' needs the type: say it in fixed, as in {door} = 'in'")
            for door, way in self.doors.items()
            if way == "fixed" and door not in self.fixed
        ]
        if self.type_by == "fixed" and not self.fixed:
            problems.append((("type_by",), "'fixed' needs the type of each door: say it in fixed"))
        refuse_keys(problems)
        return self


class ShiftTable(Table):
    """`[shifts.NAME]`: when somebody is to work."""

    schedule: Schedule
    break_minutes: Minutes = 0
    late_minutes: Minutes = 0
    early_minutes: Minutes = 0


class Work(Table):
    """`[[work]]`: who works which shift."""

    groups: Annotated[list[Group], Field(min_length=1, max_length=1000)]
    shift: Shift


_TYPES = frozenset({"in", "out", "break_start", "break_end"})
