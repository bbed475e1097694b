"""From punches to stays: who came has to go.

             in                break_start
    outside ────▶ inside ─────────────────────▶ on a break
       ▲            │  ▲                          │   │
       └────────────┘  └──────────────────────────┘   │
       ▲   out                  break_end             │
       └──────────────────────────────────────────────┘
                            out

Whatever else comes is a punch that is missing: told, and nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from agent.attendance.days import logical_day, rounded
from agent.attendance.punch import Punch
from agent.attendance.rules import AttendanceRules, PunchType, TypeBy
from agent.attendance.sheet import Break, Flag, Stay


@dataclass(frozen=True, slots=True)
class Paired:
    """All stays of a person, and the punches that something is missing for."""

    stays: list[Stay] = field(default_factory=list)
    problems: list[tuple[Flag, Punch]] = field(default_factory=list)


def pair(punches: Iterable[Punch], rules: AttendanceRules, zone: ZoneInfo, at: datetime) -> Paired:
    """Returns the stays.

    Times are rounded before they are paired. The order is that of the unrounded ones, no stay is shorter than nothing,
    and none begins before the one before it has ended.

    Args:
        punches: of one person, as corrected, in order.
        rules: of attendance.
        zone: of the site.
        at: now; who came less than `longest_hours` before is still here, and the stay goes on until now.
    """
    pairing = _Pairing(rules, zone)
    for punch in punches:
        if not punch.repeat:
            pairing.see(punch)
    pairing.end(at)
    return pairing.paired


class _Pairing:
    """The state of one person on the way through the punches."""

    def __init__(self, rules: AttendanceRules, zone: ZoneInfo) -> None:
        self.paired = Paired()
        self._rules, self._zone = rules, zone
        self._longest = timedelta(hours=rules.longest_hours)
        self._came: Punch | None = None
        self._paused: Punch | None = None
        self._breaks: list[Break] = []

    def see(self, punch: Punch) -> None:
        """Takes the next punch."""
        if self._came is not None and punch.at - self._came.at > self._longest:
            self._give_up(self._came)
        match punch.type:
            case PunchType.IN:
                self._come(punch)
            case PunchType.OUT:
                self._go(punch)
            case PunchType.BREAK_START:
                self._pause(punch)
            case PunchType.BREAK_END:
                self._resume(punch)

    def end(self, at: datetime) -> None:
        """Takes it that no more punches follow."""
        came = self._came
        if came is None:
            return
        if at - came.at > self._longest:
            self._give_up(came)
            return
        self.paired.problems.append((Flag.OPEN, came))
        self._close(came, None, max(at.replace(microsecond=0), came.at))

    def _come(self, punch: Punch) -> None:
        came = self._came
        if came is not None:
            if punch.job is not None and punch.job != came.job:  # on to another job, without a break
                self._close(came, punch, self._time(punch))
            else:
                self._give_up(came)
        self._came = punch

    def _go(self, punch: Punch) -> None:
        came, stays = self._came, self.paired.stays
        if came is not None:
            if self._paused is not None:
                self.paired.problems.append((Flag.MISSING_BREAK_END, self._paused))
            self._close(came, punch, self._time(punch))
        elif punch.by is TypeBy.FIRST_LAST and stays and self._same_day(stays[-1].came, punch):
            last = stays[-1]
            stays[-1] = replace(last, left=punch, ends_at=max(self._time(punch), last.starts_at))
        else:
            self.paired.problems.append((Flag.MISSING_IN, punch))

    def _pause(self, punch: Punch) -> None:
        if self._came is None:
            self.paired.problems.append((Flag.MISSING_IN, punch))
        elif self._paused is not None:
            self.paired.problems.append((Flag.MISSING_BREAK_END, self._paused))
        else:
            self._paused = punch

    def _resume(self, punch: Punch) -> None:
        if self._came is None:
            self.paired.problems.append((Flag.MISSING_IN, punch))
        elif self._paused is None:
            self.paired.problems.append((Flag.MISSING_BREAK_START, punch))
        else:
            self._breaks.append(Break(self._time(self._paused), self._time(punch)))
            self._paused = None

    def _close(self, came: Punch, left: Punch | None, ends_at: datetime) -> None:
        """Ends the stay; a break that is on ends with it. Nothing that rounding laid over another counts twice."""
        stays, starts_at = self.paired.stays, self._time(came)
        if stays:
            starts_at = max(starts_at, stays[-1].ends_at)
        ends_at = max(ends_at, starts_at)
        if self._paused is not None:
            self._breaks.append(Break(self._time(self._paused), ends_at))
        breaks, free = list[Break](), starts_at
        for each in self._breaks:
            one = Break(max(each.starts_at, free), min(each.ends_at, ends_at))
            if one.ends_at > one.starts_at:
                breaks.append(one)
                free = one.ends_at
        stays.append(Stay(came, left, starts_at, ends_at, tuple(breaks)))
        self._forget()

    def _give_up(self, came: Punch) -> None:
        """Nobody knows how long the stay was: it counts nothing until somebody corrects it."""
        self.paired.problems.append((Flag.MISSING_OUT, came))
        self._forget()

    def _forget(self) -> None:
        self._came = self._paused = None
        self._breaks = []

    def _time(self, punch: Punch) -> datetime:
        return rounded(punch.at, self._rules.rounding.get(punch.type), self._zone)

    def _same_day(self, one: Punch, other: Punch) -> bool:
        starts = self._rules.day_starts
        return logical_day(one.at, self._zone, starts) == logical_day(other.at, self._zone, starts)
