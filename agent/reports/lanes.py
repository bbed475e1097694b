"""Where on a bar a time is: the geometry of a timesheet. Bars show the clock on the wall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from math import ceil, floor
from typing import Literal
from zoneinfo import ZoneInfo

from agent.attendance.sheet import Day, Flag, Stay
from agent.reports.words import clock

Kind = Literal["plan", "work", "open", "break", "mark"]
_EARLIEST, _LATEST = 7, 18  # hours that are always shown
_NARROW = 16  # so many hours have room for a line every other one


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar."""

    kind: Kind
    left: float  # percent
    width: float  # percent
    says: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The hours that the bars of a person go over, from midnight of the day on; beyond 24 in the day after."""

    first: int
    last: int
    zone: ZoneInfo

    @classmethod
    def around(cls, days: Iterable[Day], zone: ZoneInfo) -> Lane:
        """Returns a lane that holds all that is to be shown, in steps of two hours."""
        at = [_hour(moment, day.day, zone) for day in days for moment in _moments(day)]
        first, last = min([_EARLIEST, *at]), max([_LATEST, *at])
        return cls(2 * floor(first / 2), 2 * ceil(last / 2), zone)

    @property
    def step(self) -> int:
        """So many hours are from one line to the next."""
        return 2 if self.last - self.first <= _NARROW else 4

    @property
    def hours(self) -> list[tuple[float, str]]:
        """Where the hours are, in percent, and what the clock shows then."""
        hours = range(self.first, self.last + 1, self.step)
        return [(self._percent(hour), f"{hour % 24:02}") for hour in hours]

    def pieces(self, day: Day) -> Iterator[Piece]:
        """Yields what a bar consists of, from the back to the front."""
        for span in day.planned:
            yield self._piece("plan", day, span.starts_at, span.ends_at, "planned ")
        for stay in day.stays:
            yield self._piece("work" if stay.left else "open", day, stay.starts_at, stay.ends_at, _job(stay))
            for pause in stay.breaks:
                yield self._piece("break", day, pause.starts_at, pause.ends_at, "break ")
        inside = {each.id for stay in day.stays for each in (stay.came, stay.left) if each is not None}
        if any(flag in day.flags for flag in (Flag.MISSING_IN, Flag.MISSING_OUT)):
            for punch in day.punches:
                if punch.id not in inside and not punch.repeat and punch.type.value in {"in", "out"}:
                    left = self._percent(_hour(punch.at, day.day, self.zone))
                    yield Piece("mark", left, 0.0, f"only {punch.type.value} {clock(punch.at, self.zone)}")

    def _piece(self, kind: Kind, day: Day, begin: datetime, end: datetime, what: str) -> Piece:
        left, right = (self._percent(_hour(at, day.day, self.zone)) for at in (begin, end))
        says = f"{what}{clock(begin, self.zone)}\u2013{clock(end, self.zone)}"
        return Piece(kind, left, max(right - left, 0.3), says)

    def _percent(self, hour: float) -> float:
        return round(100 * (hour - self.first) / (self.last - self.first), 2)


def _job(stay: Stay) -> str:
    return f"{stay.came.job}: " if stay.came.job else ""


def _hour(at: datetime, day: date, zone: ZoneInfo) -> float:
    """Returns the hour that the clock on the wall shows, counted from midnight of a day."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    return (wall - datetime.combine(day, time())).total_seconds() / 3600


def _moments(day: Day) -> Iterator[datetime]:
    for span in day.planned:
        yield from (span.starts_at, span.ends_at)
    for stay in day.stays:
        yield from (stay.starts_at, stay.ends_at)
    yield from (punch.at for punch in day.punches)
