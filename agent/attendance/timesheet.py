"""From punches to timesheets.

Counted are seconds between instants, so that a night in which the clocks change has its 7 or 9 real hours. A stay
counts on the day of the planned span that it overlaps most, and without a plan on the logical day on which it begins;
it is never split at midnight. Overtime of the week is what was worked in an ISO week beyond its limit and is not
overtime of a day already; it counts on the days on which it arises.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from agent.access.rules import Rules
from agent.access.schedule import Span
from agent.attendance.daily import Found, weigh
from agent.attendance.days import logical_day
from agent.attendance.pairing import Paired, pair
from agent.attendance.plan import Employee, Plan, Planner
from agent.attendance.punch import Punch
from agent.attendance.rules import AttendanceRules
from agent.attendance.sheet import Day, Flag, Sheet

_DAY = timedelta(days=1)


def window(rules: Rules, first: date, last: date) -> tuple[datetime, datetime]:
    """Returns from when to when punches have to be known for the days `first` to `last`: whole weeks, and stays."""
    monday = first - first.weekday() * _DAY
    margin = timedelta(hours=rules.attendance.longest_hours) + 2 * _DAY
    begin, end = (datetime.combine(day, time(0), UTC) for day in (monday, last + _DAY))
    return begin - margin, end + margin


def timesheets(
    punches: Iterable[Punch],
    rules: Rules,
    first: date,
    last: date,
    *,
    people: Mapping[str, Employee],
    at: datetime,
    rosters: Mapping[str, Sequence[Span]] | None = None,
) -> list[Sheet]:
    """Returns the sheets, by person, of all who have a punch or a plan in these days.

    Args:
        punches: as corrected, those of `window`.
        rules: of the site.
        first: the first day.
        last: the last one, included.
        people: by id; who is not among them has no shift.
        at: now.
        rosters: id -> when they are to work.
    """
    by_person = defaultdict[str, list[Punch]](list)
    for punch in sorted(punches, key=lambda punch: (punch.at, punch.id)):
        by_person[punch.person].append(punch)
    rosters = rosters or {}
    monday = first - first.weekday() * _DAY
    planner = Planner(rules, monday, last)
    sheets = []
    for person in sorted({*by_person, *people, *rosters}):
        plan = planner.plan(people.get(person, Employee()), rosters.get(person, ()))
        days = _days(by_person.get(person, []), plan, rules, (monday, last), at)
        days = [day for day in _with_overtime(days, rules.attendance) if day.day >= first]
        if any(day.punches or day.planned for day in days):
            sheets.append(Sheet(person, tuple(days), plan.shift.name if plan.shift else None))
    return sheets


def _days(punches: Sequence[Punch], plan: Plan, rules: Rules, period: tuple[date, date], at: datetime) -> list[Day]:
    found = _sorted_by_day(punches, pair(punches, rules.attendance, rules.zone, at), plan, rules)
    first, last = period
    days = (first + n * _DAY for n in range((last - first).days + 1))
    return [weigh(day, found.get(day) or Found(), plan, rules, at) for day in days]


def _sorted_by_day(punches: Sequence[Punch], paired: Paired, plan: Plan, rules: Rules) -> dict[date, Found]:
    """Stays, problems and punches, each where it belongs; the punches of a stay where the stay does."""
    days = defaultdict[date, Found](Found)
    usual = timedelta(hours=rules.attendance.longest_hours) / 2  # taken of a stay whose end is not known
    begun: list[tuple[datetime, datetime, date]] = []  # from, to, day: in order

    def begin(came: Punch, until: datetime, last: datetime) -> date:
        day = plan.day_of(came.at, until) if plan.days else None
        day = day or logical_day(came.at, rules.zone, rules.attendance.day_starts)
        begun.append((came.at, last, day))
        return day

    for stay in paired.stays:
        until = stay.left.at if stay.left else stay.came.at + usual
        days[begin(stay.came, until, max(until, stay.came.at))].stays.append(stay)
    for flag, punch in paired.problems:
        if flag is Flag.MISSING_OUT:
            begin(punch, punch.at + usual, punch.at)
    begun.sort()
    for punch in punches:
        days[_day_of(punch, begun, rules)].punches.append(punch)
    for flag, punch in paired.problems:
        days[_day_of(punch, begun, rules)].flags.add(flag)
    return days


def _day_of(punch: Punch, begun: Sequence[tuple[datetime, datetime, date]], rules: Rules) -> date:
    index = bisect_right(begun, punch.at, key=lambda each: each[0]) - 1
    if index >= 0 and punch.at <= begun[index][1]:
        return begun[index][2]
    return logical_day(punch.at, rules.zone, rules.attendance.day_starts)


def _with_overtime(days: Sequence[Day], rules: AttendanceRules) -> list[Day]:
    """The days from a Monday on, with overtime of the day, and of the week on the day on which it arises."""
    daily, weekly = rules.overtime_daily_minutes, rules.overtime_weekly_minutes
    told, ordinary = [], 0
    for day in days:
        if day.day.weekday() == 0:
            ordinary = 0
        over = 0 if daily is None else max(day.worked_seconds - daily * 60, 0)
        within = day.worked_seconds - over
        if weekly is not None:
            extra = max(min(within, ordinary + within - weekly * 60), 0)
            over, within = over + extra, within - extra
        ordinary += within
        told.append(replace(day, overtime_seconds=over) if over else day)
    return told
