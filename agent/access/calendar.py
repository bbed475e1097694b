"""Special days: once, every year, by Easter, or by a recurrence rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, TypeAlias

from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter

from agent.access.recurrence import ByRule

EARLIEST_EASTER: Final = -80  # days from Easter (22 March to 8 May, Western and Orthodox) that stay in its year
LATEST_EASTER: Final = 230
_YEARS_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Once:
    """From one day to another, both included."""

    first: date
    last: date

    def days(self, year: int) -> Iterator[date]:
        """Returns those of a year."""
        return _within(self.first, self.last, year)


@dataclass(frozen=True, slots=True)
class Yearly:
    """From one day of every year to another, in the next year where that is earlier; both included."""

    first: tuple[int, int]  # month, day; 29 February is in leap years alone
    last: tuple[int, int]

    def days(self, year: int) -> Iterator[date]:
        """Returns those of a year."""
        for start in (year - 1, year):
            first = _date(start, self.first)
            last = _date(start + (self.last < self.first), self.last)
            if first and last:
                yield from _within(first, last, year)


@dataclass(frozen=True, slots=True)
class ByEaster:
    """So many days after Easter Sunday; 1 is Easter Monday, -2 Good Friday."""

    offset: int  # days, from EARLIEST_EASTER to LATEST_EASTER
    orthodox: bool = False

    def days(self, year: int) -> Iterator[date]:
        """Returns that of a year."""
        yield easter(year, EASTER_ORTHODOX if self.orthodox else EASTER_WESTERN) + timedelta(days=self.offset)


When: TypeAlias = Once | Yearly | ByEaster | ByRule


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day, or days, on which other periods hold."""

    name: str
    kind: str  # what schedules call it: "holiday"
    when: When


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """All special days of a site. Of several on one day the first counts."""

    every: Sequence[SpecialDay] = ()
    _years: dict[int, dict[date, SpecialDay]] = field(default_factory=dict, repr=False, compare=False)

    def on(self, day: date) -> SpecialDay | None:
        """Returns what is special about a day."""
        year = self._years.get(day.year)
        if year is None:
            year = {one: special for special in reversed(self.every) for one in special.when.days(day.year)}
            if len(self._years) >= _YEARS_KEPT:
                self._years.clear()
            self._years[day.year] = year
        return year.get(day)

    def kind(self, day: date, /) -> str | None:
        """Returns the kind of a special day; None of an ordinary one."""
        special = self.on(day)
        return special.kind if special else None


def _within(first: date, last: date, year: int) -> Iterator[date]:
    """The days of a year from `first` to `last`, both included."""
    day, last = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
    return map(date.fromordinal, range(day.toordinal(), last.toordinal() + 1))


def _date(year: int, month_day: tuple[int, int]) -> date | None:
    """The date; None where the year has no such day."""
    try:
        return date(year, *month_day)
    except ValueError:
        return None
