"""When old things are forgotten, and whether the clock may be believed with that. Pure.

Once a night at an hour of the local clock; a night that was missed, for want of power, is caught up with at once. A
clock that is wrong by years must not empty the device:

    clock not set ──────────────────────────────► NO
    never ran before, or the last run is in the future, or further back than so many days
        first time, or a while ago ─────────────► DOUBT: note the time; ask again the next night
        doubted a night ago, still says so ─────► RUN
    otherwise ──────────────────────────────────► RUN
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from agent.attendance.punch import Clock

SECOND_LOOK: Final = timedelta(hours=20)
"""A night and the next are 23 to 25 hours apart."""
DOUBT_LASTS: Final = timedelta(days=4)
"""A doubt that is older was another one."""


class Trust(StrEnum):
    """What the clock is good for."""

    RUN = "run"
    DOUBT = "doubt"  # note the time
    NO = "no"  # not set


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the nights before, UTC."""

    ran_at: datetime | None = None
    doubted_at: datetime | None = None


def last_due(now: datetime, hour: int) -> datetime:
    """Returns the last time at or before `now` that was `hour` o'clock.

    Args:
        now: in the zone that counts. An hour that a change of the clock leaves out is the one it becomes.
        hour: 0 to 23.
    """
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    # Compared as instants: in one zone, Python compares what the clock on the wall says
    return due if due.timestamp() <= now.timestamp() else due - timedelta(days=1)


def is_due(now: datetime, past: Past, hour: int) -> bool:
    """Returns whether a night has come that nobody has looked at; what was noted for the future does not count."""
    looked = [at.timestamp() for at in (past.ran_at, past.doubted_at) if at is not None and at <= now]
    return max(looked, default=float("-inf")) < last_due(now, hour).timestamp()


def trust(now: datetime, past: Past, clock: Clock, *, most_days_ahead: float) -> Trust:
    """Returns whether to forget by this clock.

    Args:
        now: what it says.
        past: the nights before.
        clock: whether it was set; "unknown" where the system does not tell.
        most_days_ahead: since the last run, without a second look.
    """
    if clock == "unsynchronised":
        return Trust.NO
    if past.ran_at is not None and past.ran_at <= now <= past.ran_at + timedelta(days=most_days_ahead):
        return Trust.RUN
    if past.doubted_at is not None and SECOND_LOOK <= now - past.doubted_at <= DOUBT_LASTS:
        return Trust.RUN
    return Trust.DOUBT
