"""One day: what of the time that somebody was here counts, and what was to be worked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from agent.access.rules import Rules
from agent.access.schedule import Schedule, Span
from agent.attendance.plan import Plan
from agent.attendance.punch import Clock, Punch
from agent.attendance.rules import Deduction, Shift
from agent.attendance.sheet import Day, Flag, Stay, whole

_NOTHING = timedelta(0)
_NO_SHIFT = Shift("", Schedule("", ((),) * 7))


@dataclass(slots=True)
class Found:
    """What there is of a day before it is weighed."""

    stays: list[Stay] = field(default_factory=list)
    flags: set[Flag] = field(default_factory=set)
    punches: list[Punch] = field(default_factory=list)


def weigh(day: date, found: Found, plan: Plan, rules: Rules, at: datetime) -> Day:
    """Returns a day, but for its overtime: that needs the week.

    Args:
        day: the logical day.
        found: stays, punches and what was missing.
        plan: of the person.
        rules: of the site.
        at: now: nobody is absent before the day's work is over.
    """
    spans, shift = plan.days.get(day, ()), plan.shift or _NO_SHIFT
    planned = sum(max(whole(span.ends_at - span.starts_at) - shift.break_minutes * 60, 0) for span in spans)
    present = sum(stay.seconds for stay in found.stays)
    punched = sum(stay.break_seconds for stay in found.stays)
    deducted = _deducted(found.stays, spans, shift, rules.attendance.deductions)
    late, early, absent = _kept(found.stays, spans, shift, at, missing=Flag.MISSING_OUT in found.flags)
    flags = found.flags | {
        *([Flag.LATE] if late else []),
        *([Flag.EARLY] if early else []),
        *([Flag.ABSENT] if absent else []),
        *([Flag.UNPLANNED] if found.stays and plan.days and not spans else []),
        *(Flag.UNSYNCHRONISED for punch in found.punches if punch.clock is Clock.UNSYNCHRONISED and not punch.repeat),
        *(Flag.CORRECTED for punch in found.punches if punch.corrected),
    }
    return Day(
        day=day,
        kind=rules.calendar.kind(day),
        planned=spans,
        planned_seconds=planned,
        stays=tuple(found.stays),
        worked_seconds=present - deducted - (0 if rules.attendance.breaks_paid else punched),
        break_seconds=punched,
        deducted_seconds=deducted,
        late_seconds=late,
        early_seconds=early,
        flags=tuple(flag for flag in Flag if flag in flags),
        punches=tuple(found.punches),
        jobs=_jobs(found.stays),
        settled=all(span.ends_at <= at for span in spans),
    )


def _deducted(stays: Sequence[Stay], spans: Sequence[Span], shift: Shift, deductions: Sequence[Deduction]) -> int:
    """Returns the seconds of break that are taken off because nobody punched them.

    What was had are punched breaks and the time between two stays. A deduction never takes more than what was worked
    beyond its threshold: somebody who works a minute longer is never paid less. The break of the shift is taken off
    where none was had at all and more than half of the shift was worked; where both are due they are the same break.
    """
    worked = sum(stay.seconds - stay.break_seconds for stay in stays)
    had = sum(stay.break_seconds for stay in stays) + sum(_gaps(stays))
    due = [min(deduction.minutes * 60 - had, worked - deduction.after_minutes * 60) for deduction in deductions]
    if had == 0 and shift.break_minutes:
        due.append(sum(_break_of(shift, span, stays) for span in spans))
    return max([0, *due])


def _break_of(shift: Shift, span: Span, stays: Sequence[Stay]) -> int:
    overlap = sum((_overlap(stay, span) for stay in stays), _NOTHING)
    beyond_half = whole(overlap) - whole(span.ends_at - span.starts_at) // 2
    return max(min(shift.break_minutes * 60, beyond_half), 0)


def _gaps(stays: Sequence[Stay]) -> Iterator[int]:
    for one, other in pairwise(stays):
        yield max(whole(other.starts_at - one.ends_at), 0)


def _overlap(stay: Stay, span: Span) -> timedelta:
    return max(min(stay.ends_at, span.ends_at) - max(stay.starts_at, span.starts_at), _NOTHING)


def _kept(
    stays: Sequence[Stay], spans: Sequence[Span], shift: Shift, at: datetime, *, missing: bool
) -> tuple[int, int, bool]:
    """Returns the seconds late and early, and whether nobody came; by the punches as they are, not as rounded.

    Whoever is later than allowed is late by all of it, not just by what goes beyond.
    """
    if not spans:
        return 0, 0, False
    starts_at, ends_at = spans[0].starts_at, spans[-1].ends_at
    inside = [stay for stay in stays if stay.starts_at < ends_at and (stay.ends_at > starts_at or stay.left is None)]
    if not inside:
        return 0, 0, ends_at <= at and not missing
    late = whole(inside[0].came.at.replace(microsecond=0) - starts_at)
    left = inside[-1].left
    early = whole(ends_at - left.at) if left is not None and not missing else 0
    return (
        late if late > shift.late_minutes * 60 else 0,
        early if early > shift.early_minutes * 60 else 0,
        False,
    )


def _jobs(stays: Sequence[Stay]) -> dict[str, int] | None:
    sums: Counter[str] = Counter()
    for stay in stays:
        if stay.came.job is not None:
            sums[stay.came.job] += stay.seconds - stay.break_seconds
    return dict(sums) or None
