"""What the rules say of some groups, a door and a moment. Looking up costs no search over all grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.access.factors import Factors
from agent.access.holder import Holder
from agent.access.rules import EVERY_DOOR, EVERYBODY, Rules
from agent.access.schedule import ALWAYS, Span, next_start, span_at
from agent.types import Reason

_DAYS_AHEAD = 31  # that the next time to be let in is looked for
_WEEK = timedelta(days=6)  # within which the name of a day says which


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether some groups may go through a door at a moment."""

    reason: Reason | None = None  # None: they may; else NO_ACCESS or OUTSIDE_SCHEDULE
    schedule: str | None = None  # by which they may; of several the one that holds longest
    until: datetime | None = None  # UTC, when its period ends; None: no rules were ever given, or they may not
    next_at: datetime | None = None  # UTC, OUTSIDE_SCHEDULE: when they may again; None: not for a month
    detail: str = ""  # for a human, in the site's time: "office until 19:00", "again Mon 07:00"

    @property
    def granted(self) -> bool:
        """Whether they may."""
        return self.reason is None


def permit(rules: Rules, groups: Iterable[str], door: str, at: datetime) -> Permit:
    """Returns whether somebody in these groups may go through a door at an instant: the union of all their grants."""
    if rules.version == 0:
        return Permit(schedule=ALWAYS.name)
    names = schedules_for(rules, groups, door)
    if not names:
        return Permit(Reason.NO_ACCESS, detail="none of the groups may at any time")
    found = [(span.ends_at, name) for name in names if (span := _span(rules, name, at)) is not None]
    if found:
        until, name = max(found, key=lambda one: one[0])
        return Permit(schedule=name, until=until, detail=f"{name} until {_clock(rules, until, at)}")
    schedules = [rules.schedule(name) for name in names]
    next_at = next_start(schedules, at, rules.zone, rules.calendar, days=_DAYS_AHEAD)
    detail = "not again for a month" if next_at is None else f"again {_clock(rules, next_at, at)}"
    return Permit(Reason.OUTSIDE_SCHEDULE, next_at=next_at, detail=detail)


def factors_for(rules: Rules, door: str, holder: Holder | None, at: datetime) -> Factors:
    """Returns what has to be shown: as is written for the person, or else for the door at this time."""
    if holder is not None and holder.factors is not None:
        return holder.factors
    at_door = rules.door(door)
    held = (factors for name, factors in at_door.factors_in if _span(rules, name, at) is not None)
    return next(held, at_door.factors)


def two_needed(rules: Rules, door: str, at: datetime) -> bool:
    """Returns whether the door opens only for two people now."""
    name = rules.door(door).two_person
    return name is not None and _span(rules, name, at) is not None


def unlocked_span(rules: Rules, door: str, at: datetime) -> Span | None:
    """Returns the period in which the door is unlocked by its schedule now, if its mode is one that minds it."""
    name = rules.door(door).unlocked
    return None if name is None else _span(rules, name, at)


def schedules_for(rules: Rules, groups: Iterable[str], door: str) -> list[str]:
    """Returns the schedules in which these groups may go through the door, each once."""
    grants = (grant for group in (*groups, EVERYBODY) for grant in rules.grants.get(group, ()))
    return list(dict.fromkeys(grant.schedule for grant in grants if door in grant.doors or EVERY_DOOR in grant.doors))


def _span(rules: Rules, name: str, at: datetime) -> Span | None:
    return span_at(rules.schedule(name), at, rules.zone, rules.calendar)


def _clock(rules: Rules, then: datetime, at: datetime) -> str:
    """A time as the site's clock shows it, with as much of the day as is needed."""
    wall, today = then.astimezone(rules.zone), at.astimezone(rules.zone).date()
    if wall.date() == today:
        return f"{wall:%H:%M}"
    return f"{wall:%a %H:%M}" if wall.date() - today <= _WEEK else f"{wall:%Y-%m-%d %H:%M}"
