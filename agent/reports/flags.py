"""How what there is to look at on a day is said to people, and how much it matters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from typing_extensions import TypedDict

from agent.attendance.sheet import HARMLESS, Day, Flag
from agent.reports.words import hours

Tone = Literal["bad", "warn", ""]
MISSING: Final = (Flag.MISSING_IN, Flag.MISSING_OUT, Flag.MISSING_BREAK_START, Flag.MISSING_BREAK_END)
BAD: Final = frozenset({Flag.ABSENT, *MISSING})
WARN: Final = frozenset({Flag.LATE, Flag.EARLY, Flag.UNSYNCHRONISED})


class FlagTold(TypedDict):
    """Something to look at on a day."""

    flag: Flag
    says: str  # in words
    tone: Tone


def flag_says(day: Day, flag: Flag) -> str:
    """Returns a flag in words: late 0:15."""
    if flag is Flag.OPEN:
        return "still in"
    by = {Flag.LATE: day.late_seconds, Flag.EARLY: day.early_seconds}.get(flag)
    return flag.value.replace("_", " ") + (f" {hours(by)}" if by else "")


def tone(flag: Flag) -> Tone:
    """Returns how much a flag matters."""
    return "bad" if flag in BAD else "warn" if flag in WARN else ""


def flags_json(day: Day) -> list[FlagTold]:
    """Returns the flags of a day as JSON values."""
    return [{"flag": flag, "says": flag_says(day, flag), "tone": tone(flag)} for flag in day.flags]


def to_look_at(days: Iterable[Day]) -> int:
    """Returns how many days somebody should look at."""
    return sum(1 for day in days if set(day.flags) - HARMLESS)
