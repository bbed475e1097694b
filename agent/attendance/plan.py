"""When somebody is to work: a shift by their groups, and a roster of their own that goes before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from agent.access.rules import Rules
from agent.access.schedule import Span, spans
from agent.attendance.days import logical_day
from agent.attendance.rules import AttendanceRules, Shift

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person is to work, by logical day."""

    shift: Shift | None = None
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)  # in order

    def day_of(self, came: datetime, until: datetime) -> date | None:
        """Returns the day of the span that a time overlaps most; None where it overlaps none."""
        nothing = timedelta(0)
        longest, found = nothing, None
        first = came.date()
        for offset in range(-2, (until.date() - first).days + 3):  # logical days and those of UTC are near each other
            day = first + offset * _DAY
            for span in self.days.get(day, ()):
                overlap = min(until, span.ends_at) - max(came, span.starts_at)
                if overlap > longest:
                    longest, found = overlap, day
        return found


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who may have work to do."""

    groups: frozenset[str] = frozenset()
    begins: datetime | None = None  # UTC: nothing that starts before is theirs to do
    ends: datetime | None = None  # UTC: nor what starts from then on


class Planner:
    """Makes the plans of many people; a shift is spread over the days once."""

    def __init__(self, rules: Rules, first: date, last: date) -> None:
        self._rules, self._first, self._last = rules, first, last
        self._shifts: dict[str, Plan] = {}

    def plan(self, employee: Employee, roster: Sequence[Span]) -> Plan:
        """Returns the plan of a person: on days of the roster those spans, on others those of the shift."""
        shift = shift_of(self._rules.attendance, employee.groups)
        plan = self._of_shift(shift)
        if not roster and employee.begins is employee.ends is None:
            return plan
        days = {**plan.days, **self._by_day(roster)}
        theirs = {day: tuple(span for span in spans if _is_theirs(span, employee)) for day, spans in days.items()}
        return Plan(shift, {day: spans for day, spans in theirs.items() if spans})

    def _of_shift(self, shift: Shift | None) -> Plan:
        if shift is None:
            return Plan()
        if shift.name not in self._shifts:
            rules = self._rules
            found = spans(shift.schedule, self._first - _DAY, self._last + _DAY, rules.zone, rules.calendar)
            self._shifts[shift.name] = Plan(shift, self._by_day(found))
        return self._shifts[shift.name]

    def _by_day(self, found: Sequence[Span]) -> dict[date, tuple[Span, ...]]:
        rules, days = self._rules, defaultdict[date, list[Span]](list)
        for span in sorted(found, key=lambda span: span.starts_at):
            days[logical_day(span.starts_at, rules.zone, rules.attendance.day_starts)].append(span)
        return {day: tuple(spans) for day, spans in days.items()}


def shift_of(rules: AttendanceRules, groups: frozenset[str]) -> Shift | None:
    """Returns the shift of somebody in these groups: the first that fits."""
    return next((rules.shifts[name] for wanted, name in rules.work if wanted & groups), None)


def _is_theirs(span: Span, employee: Employee) -> bool:
    begun = employee.begins is None or span.starts_at >= employee.begins
    return begun and (employee.ends is None or span.starts_at < employee.ends)
