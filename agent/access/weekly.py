"""When people may enter over some days, and for whom that changes with other rules: the clock alone is looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from agent.access.holder import Holder, State
from agent.access.permits import schedules_for
from agent.access.rules import Rules
from agent.access.schedule import ALWAYS, spans

MOST_COMPARED: Final = 100_000
"""Kinds of people times doors: 0.6 s where this was written."""
_DAY: Final = timedelta(days=1)
_LOOK_BACK: Final = 2  # days: a period may have begun before the first, and clocks be set


class Stretch(NamedTuple):
    """A time without a gap."""

    starts_at: datetime  # UTC
    ends_at: datetime  # UTC; not part of it


Stretches: TypeAlias = tuple[Stretch, ...]
Names: TypeAlias = tuple[str, ...]
_EVER: Final = Stretch(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Days:
    """Some days in a row."""

    first: date
    count: int = 7

    def every(self) -> Iterator[date]:
        """Returns each of them."""
        return (self.first + number * _DAY for number in range(self.count))

    def whole(self, zone: ZoneInfo) -> Stretch:
        """Returns them as one stretch."""
        return Stretch(_midnight(self.first, zone), _midnight(self.first + self.count * _DAY, zone))


@dataclass(frozen=True, slots=True)
class Change:
    """What some people gain or lose at a door."""

    door: str
    gained: bool
    stretch: Stretch
    people: tuple[str, ...]  # ids


@dataclass(slots=True)
class Hours:
    """When one may under some rules; what was found once is kept.

    Args:
        rules: whose.
        days: which.
        zone: where these are days; None: where the rules are.
    """

    rules: Rules
    days: Days
    zone: ZoneInfo | None = None
    _found: dict[Names, Stretches] = field(default_factory=dict)

    def of(self, holder: Holder, door: str) -> Stretches:
        """Returns when the rules let somebody in at a door."""
        if holder.state is not State.ACTIVE:
            return ()
        return valid(holder, self.within(self.names(holder, door)))

    def names(self, holder: Holder, door: str) -> Names:
        """Returns the schedules in which somebody may go through a door."""
        if self.rules.version == 0:
            return (ALWAYS.name,)
        return tuple(sorted(schedules_for(self.rules, holder.groups, door)))

    def within(self, names: Names) -> Stretches:
        """Returns when one of these schedules holds."""
        if names not in self._found:
            first, last = self.days.first - _LOOK_BACK * _DAY, self.days.first + self.days.count * _DAY
            rules = self.rules
            found = (
                Stretch(span.starts_at, span.ends_at)
                for name in names
                for span in spans(rules.schedule(name), first, last, rules.zone, rules.calendar)
            )
            self._found[names] = clipped(merged(found), self.days.whole(self.zone or rules.zone))
        return self._found[names]


def changes(
    before: Rules, after: Rules, people: Mapping[str, Holder], doors: Iterable[str], days: Days
) -> tuple[list[Change], int]:
    """Returns what people gain and lose with other rules, by door and time, and of how many people it is not known.

    Args:
        before: the rules that hold.
        after: those that are to.
        people: by id.
        doors: that are looked at.
        days: the same.
    """
    old, new, every = Hours(before, days, after.zone), Hours(after, days), sorted(doors)
    differ = cache(lambda was, will: _differ(old.within(was), new.within(will)))
    alike: dict[Holder, list[str]] = defaultdict(list)
    for holder in people.values():
        if holder.state is State.ACTIVE:
            alike[Holder("", holder.groups, valid_from=holder.valid_from, valid_to=holder.valid_to)].append(holder.id)
    kinds = sorted(alike.items(), key=lambda one: -len(one[1]))
    looked_at = kinds[: MOST_COMPARED // max(1, len(every))]
    found: dict[tuple[str, Stretch, bool], list[str]] = defaultdict(list)
    for holder, ids in looked_at:
        for door in every:
            for gained, stretches in differ(old.names(holder, door), new.names(holder, door)):
                for stretch in valid(holder, stretches):
                    found[door, stretch, gained] += ids
    told = [Change(door, gained, stretch, tuple(sorted(ids))) for (door, stretch, gained), ids in sorted(found.items())]
    return told, sum(len(ids) for _, ids in kinds[len(looked_at) :])


def _differ(was: Stretches, will: Stretches) -> list[tuple[bool, Stretches]]:
    """What is gained, and what is lost."""
    return [(True, without(will, was)), (False, without(was, will))] if was != will else []


def valid(holder: Holder, stretches: Stretches) -> Stretches:
    """Returns the part in which somebody is valid."""
    if holder.valid_from is None and holder.valid_to is None:
        return stretches
    return clipped(stretches, Stretch(holder.valid_from or _EVER.starts_at, holder.valid_to or _EVER.ends_at))


def merged(stretches: Iterable[Stretch]) -> Stretches:
    """Returns the same time without overlaps, in order."""
    made: list[Stretch] = []
    for one in sorted(stretches):
        if made and one.starts_at <= made[-1].ends_at:
            made[-1] = Stretch(made[-1].starts_at, max(made[-1].ends_at, one.ends_at))
        else:
            made.append(one)
    return tuple(made)


def clipped(stretches: Stretches, within: Stretch) -> Stretches:
    """Returns what lies within a stretch."""
    both = (Stretch(max(one.starts_at, within.starts_at), min(one.ends_at, within.ends_at)) for one in stretches)
    return tuple(one for one in both if one.starts_at < one.ends_at)


def without(stretches: Stretches, others: Stretches) -> Stretches:
    """Returns what lies in the one and not in the others; both without overlaps, in order."""
    left = []
    for one in stretches:
        start = one.starts_at
        for other in clipped(others, one):
            if start < other.starts_at:
                left.append(Stretch(start, other.starts_at))
            start = other.ends_at
        if start < one.ends_at:
            left.append(Stretch(start, one.ends_at))
    return tuple(left)


def by_day(stretches: Stretches, days: Days, zone: ZoneInfo) -> list[list[tuple[str, str]]]:
    """Returns of each day what the clock on the wall shows at the beginnings and ends: ("22:00", "24:00")."""
    return [
        [(clock(one.starts_at, zone), clock(one.ends_at, zone, end=True)) for one in clipped(stretches, whole)]
        for whole in (Days(day, 1).whole(zone) for day in days.every())
    ]


def pieces(stretch: Stretch, days: Days, zone: ZoneInfo) -> Stretches:
    """Returns a stretch as it is, or of each day its part where it is longer than a day."""
    if stretch.ends_at - stretch.starts_at <= _DAY:
        return (stretch,)
    return tuple(part for day in days.every() for part in clipped((stretch,), Days(day, 1).whole(zone)))


def clock(at: datetime, zone: ZoneInfo, *, end: bool = False) -> str:
    """Returns what the clock on the wall shows; midnight at the end of something is 24:00."""
    wall = f"{at.astimezone(zone):%H:%M}"
    return "24:00" if end and wall == "00:00" else wall


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
