"""When: weekly periods in a time zone, and the days on which others hold.

A period is what a clock on the wall of the site shows. As instants it is the shortest span that holds every moment at
which that clock shows a time of the period:

* a time that the clock skips (02:30 when summer time begins) is the moment of the skip. A period between two skipped
  times does not take place.
* of a time that the clock shows twice (02:30 when summer time ends) a period begins at the first and ends at the
  second: nobody is shut out while the clock on the wall lets them in. Up to 02:00 is up to the first 02:00: what the
  clock shows afterwards is later than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_LONGEST_REPEAT: Final = timedelta(hours=3)  # that a clock is set back: 3 h at Casey in Antarctica, else 2 h or less
_SECOND: Final = timedelta(seconds=1)  # clocks are set at whole ones


@dataclass(frozen=True, slots=True)
class Period:
    """From one time of day to another; to the next morning where `end` is not after `start`. 24:00 is `time.min`."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{'24:00' if self.end == time.min else format(self.end, '%H:%M')}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A week of periods, and what holds instead on special days."""

    name: str
    week: tuple[tuple[Period, ...], ...]  # seven: Monday first
    special: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)  # kind of day -> instead of the weekday's


ALWAYS: Final = Schedule("always", ((Period(time.min, time.min),),) * 7)
"""Every minute of every day, special ones too."""


class Calendar(Protocol):
    """Knows the special days."""

    def kind(self, day: date, /) -> str | None:
        """Returns the kind of a special day, such as "holiday"; None of an ordinary one."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """One period on one day, as instants."""

    starts_at: datetime  # UTC
    ends_at: datetime  # UTC; not part of it
    day: date  # on which it starts, in the site's zone


def span_at(schedule: Schedule, at: datetime, zone: ZoneInfo, calendar: Calendar) -> Span | None:
    """Returns the span that the instant `at` lies in, the one that ends last where several do; None outside all."""
    wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
    # A period begins on its day and ends before the next one does; a clock that is set back shows other days again
    first = (wall - _LONGEST_REPEAT).toordinal() - 1
    last = (wall + _LONGEST_REPEAT).toordinal()
    days = [day for ordinal in range(first, last + 1) if (day := _day(ordinal)) is not None]
    near = (
        (start, end, day)
        for day in days
        for start, end in _walls(schedule, day, calendar)
        if start - _LONGEST_REPEAT <= wall < end + _LONGEST_REPEAT
    )
    around = [span for walls in near if (span := _span(*walls, zone)) and span.starts_at <= at < span.ends_at]
    return max(around, key=lambda span: span.ends_at, default=None)


def spans(schedule: Schedule, first: date, last: date, zone: ZoneInfo, calendar: Calendar) -> list[Span]:
    """Returns all spans that start on the days `first` to `last`, in order."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    found = (_span(start, end, day, zone) for day in days for start, end in _walls(schedule, day, calendar))
    return sorted((span for span in found if span), key=lambda span: (span.starts_at, span.ends_at))


def next_start(
    schedules: list[Schedule], at: datetime, zone: ZoneInfo, calendar: Calendar, *, days: int = 31
) -> datetime | None:
    """Returns when the next span of any of the schedules starts, UTC, after `at`; None where none does for so long."""
    today = at.astimezone(zone).toordinal()
    for number in range(days + 1):
        day = _day(today + number)
        if day is None:
            return None
        starts = [
            span.starts_at
            for schedule in schedules
            for start, end in _walls(schedule, day, calendar)
            if (span := _span(start, end, day, zone)) and span.starts_at > at
        ]
        if starts:
            return min(starts)
    return None


def _walls(schedule: Schedule, day: date, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """The periods of a day, by the clock on the wall."""
    kind = calendar.kind(day) if schedule.special else None
    periods = schedule.week[day.weekday()] if kind is None else schedule.special.get(kind, schedule.week[day.weekday()])
    for period in periods:
        start, end = datetime.combine(day, period.start), datetime.combine(day, period.end)
        yield start, end if period.end > period.start else end + _DAY


def _span(start: datetime, end: datetime, day: date, zone: ZoneInfo) -> Span | None:
    """The span between two times on the wall; None where the clock skips all of it."""
    starts_at, _ = _shown(start, zone)
    # Not the second 02:00 of a clock that is set back from 03:00: the period ends with the last second before it
    _, ends_at = _shown(end - _SECOND, zone)
    return Span(starts_at, ends_at, day) if starts_at < ends_at else None


def _shown(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When, UTC, the clock first shows this second, and when it has last shown it; the skip if it never does."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    last = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= last:
        return first, last + _SECOND
    # Skipped: `fold` 0 and 1 count on from the two offsets (PEP 495), and the clock is set between the two instants
    skip = _change(last, first, zone)
    return skip, skip


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two at which the offset of the zone changes; halving, to the second, as zones are written."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _day(ordinal: int) -> date | None:
    """The day of a number; None where a date, or the day after it, cannot be held."""
    return date.fromordinal(ordinal) if 0 < ordinal < date.max.toordinal() else None
