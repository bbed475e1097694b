"""What came of a script, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.attendance.punch import Punch
from agent.reports.basis import Attendance
from agent.types import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and the punches that it made."""

    at: datetime  # UTC
    door: str
    decision: Decision
    punches: tuple[Punch, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """Something about a door that nobody decided."""

    at: datetime  # UTC
    door: str
    what: str  # "unlocked", "locked", "mode", "alarm", "cleared", "passed", "not_passed"
    about: str = ""  # the alarm, the mode, the people


@dataclass(frozen=True, slots=True)
class Replayed:
    """All of it."""

    told: tuple[Decided | Noted, ...]
    attendance: Attendance
