"""When: weekly periods in a time zone, and the days on which others hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """From one time of day to another; to the next morning where `end` is not after `start`. 24:00 is `time.min`."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Schedule:
    """A week of periods, and what holds instead on special days."""

    name: str
    week: tuple[tuple[Period, ...], ...]  # seven: Monday first
    special: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)  # kind of day -> instead of the weekday's


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
    raise NotImplementedError


def spans(schedule: Schedule, first: date, last: date, zone: ZoneInfo, calendar: Calendar) -> list[Span]:
    """Returns all spans that start on the days `first` to `last`, in order."""
    raise NotImplementedError
