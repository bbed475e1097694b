"""A timesheet: what was worked, day by day. All durations are whole seconds between instants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from agent.access.schedule import Span
from agent.attendance.punch import Punch


class Flag(StrEnum):
    """What somebody should look at."""

    OPEN = "open"  # still here: counted until now
    MISSING_OUT = "missing_out"  # came and never went: counts nothing until corrected
    MISSING_IN = "missing_in"  # went, or paused, without having come
    MISSING_BREAK_START = "missing_break_start"
    MISSING_BREAK_END = "missing_break_end"  # the break is taken to have lasted until the end
    LATE = "late"
    EARLY = "early"
    ABSENT = "absent"  # was to work and did not come
    UNPLANNED = "unplanned"  # worked on a day without a plan; only of those who have one for other days
    UNSYNCHRONISED = "unsynchronised"  # a punch by a clock that may have been wrong, not re-timed
    CORRECTED = "corrected"  # somebody has corrected a punch of this day


@dataclass(frozen=True, slots=True)
class Break:
    """A break that was punched."""

    starts_at: datetime  # UTC
    ends_at: datetime  # UTC

    @property
    def seconds(self) -> int:
        """How long."""
        return whole(self.ends_at - self.starts_at)


@dataclass(frozen=True, slots=True)
class Stay:
    """From coming to going. Times are rounded as the rules say; those of the punches are not."""

    came: Punch
    left: Punch | None  # None: still here; with an `in`: on to another job
    starts_at: datetime  # UTC
    ends_at: datetime  # UTC; now, where `left` is None
    breaks: tuple[Break, ...] = ()

    @property
    def seconds(self) -> int:
        """How long, breaks and all."""
        return whole(self.ends_at - self.starts_at)

    @property
    def break_seconds(self) -> int:
        """How long the breaks were."""
        return sum(each.seconds for each in self.breaks)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of one person. A stay belongs to one day, also where it goes on over midnight."""

    day: date
    kind: str | None = None  # of a special day, such as "holiday"
    planned: tuple[Span, ...] = ()
    planned_seconds: int = 0  # without the breaks of the shift
    stays: tuple[Stay, ...] = ()
    worked_seconds: int = 0  # what is paid
    break_seconds: int = 0  # punched
    deducted_seconds: int = 0  # breaks nobody punched
    overtime_seconds: int = 0  # of `worked_seconds`: beyond the limit of the day, or of the week
    late_seconds: int = 0
    early_seconds: int = 0
    flags: tuple[Flag, ...] = ()
    punches: tuple[Punch, ...] = ()  # all of them, also repeats
    jobs: Mapping[str, int] | None = None  # job code -> seconds present in it, without breaks; None: no job at all
    settled: bool = True  # the plan of the day is over

    @property
    def balance_seconds(self) -> int:
        """Worked beyond what was planned, negative where it was less; 0 as long as the plan goes on."""
        return self.worked_seconds - self.planned_seconds if self.settled else 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some days of one person."""

    person: str
    days: tuple[Day, ...]
    shift: str | None = None  # that the plan is made of

    def total(self, what: str) -> int:
        """Returns the sum of one of the days' numbers: "worked_seconds", "balance_seconds"."""
        return sum(int(getattr(day, what)) for day in self.days)

    @property
    def special(self) -> dict[str, int]:
        """Seconds worked on special days, by their kind."""
        sums: Counter[str] = Counter()
        for day in self.days:
            if day.kind and day.worked_seconds:
                sums[day.kind] += day.worked_seconds
        return dict(sorted(sums.items()))

    @property
    def jobs(self) -> dict[str, int]:
        """Seconds present in each job, by its code."""
        sums: Counter[str] = Counter()
        for day in self.days:
            sums.update(day.jobs or {})
        return dict(sorted(sums.items()))


def whole(duration: timedelta) -> int:
    """Returns the whole seconds of a duration, without floating point."""
    return duration // timedelta(seconds=1)
