"""Logical days, and rounding on the clock on the wall."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.attendance.rules import Rounding

_DAY = timedelta(days=1)


def logical_day(at: datetime, zone: ZoneInfo, day_starts: time) -> date:
    """Returns the day that an instant belongs to: before `day_starts` on the wall it is still the day before."""
    local = at.astimezone(zone)
    return local.date() if local.time() >= day_starts else local.date() - _DAY


def whole_second(at: datetime) -> datetime:
    """Returns the second that an instant lies in: worked time is counted in whole seconds."""
    return at.replace(microsecond=0) if at.microsecond else at


def rounded(at: datetime, rounding: Rounding | None, zone: ZoneInfo) -> datetime:
    """Returns the instant, rounded to a multiple of so many minutes on the wall since midnight.

    `up` and `down` mean later and earlier: an `in` rounded up and an `out` rounded down favour the employer, the
    opposite the employee; `nearest` favours nobody on average, and a half goes up. Instants are moved, not the hands
    of the clock, so that daylight saving adds and takes nothing.
    """
    at = whole_second(at)
    if rounding is None or rounding.minutes <= 0:
        return at
    local = at.astimezone(zone)
    step = rounding.minutes * 60
    over = (local.hour * 3600 + local.minute * 60 + local.second) % step
    later = over > 0 and (rounding.direction == "up" or (rounding.direction == "nearest" and 2 * over >= step))
    return at + timedelta(seconds=(step if later else 0) - over)
