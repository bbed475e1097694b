"""Wrong PINs and cards in a row: when they lock out, for how long, and what ends it.

    5 in a row: locked out for 30 s · 5 more: 60 s · 5 more: 120 s · ... up to `longest_lockout_seconds`

The right PIN is not even looked at while it lasts, so that trying on is no use. A success starts over.

Times are of the wall clock, to outlive a restart. A clock that is set back lets nobody in early: what is left may grow,
but never beyond the whole of the lock-out (`rein`), so nobody waits for the clock to catch up.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from agent.access.holder import Standing
from agent.access.rules import DoorRules

_MOST_DOUBLINGS = 30  # 2**30 s are 34 years: whatever the rules say, that is the maximum
_SLEW = timedelta(minutes=5)  # a clock that is corrected by less was right enough


def locked_seconds(standing: Standing, at: datetime) -> float:
    """Returns how long somebody is locked out from `at` on; 0 for who is not."""
    return max((standing.locked_until - at).total_seconds(), 0.0) if standing.locked_until else 0.0


def failed(standing: Standing, door: DoorRules, at: datetime) -> Standing:
    """Returns how somebody stands after one more failure: `locked_until` is in the future if it was one too many."""
    failures = standing.failures + 1
    if failures < door.failures or door.failures < 1:
        return replace(standing, failures=failures, locked_until=None)
    lockouts = standing.lockouts + 1
    return replace(standing, failures=0, lockouts=lockouts, locked_until=at + _lockout(lockouts, door))


def succeeded(standing: Standing) -> Standing:
    """Returns how somebody stands after the right PIN or card."""
    return replace(standing, failures=0, lockouts=0, locked_until=None)


def rein(standing: Standing, door: DoorRules, at: datetime) -> Standing:
    """Returns the same, its lock-out no longer than it may be: the clock may have been set back since."""
    latest = at + _lockout(standing.lockouts, door)
    if standing.locked_until is None or standing.locked_until <= latest:
        return standing
    return replace(standing, locked_until=latest)


def pin_due(standing: Standing, door: DoorRules, at: datetime) -> bool:
    """Whether the last right PIN is so long ago that a new one is due, or the clock cannot say how long."""
    if door.pin_every_hours is None:
        return False
    if standing.pin_at is None:
        return True
    return not -_SLEW <= at - standing.pin_at <= timedelta(hours=door.pin_every_hours)


def _lockout(lockouts: int, door: DoorRules) -> timedelta:
    doubled = door.lockout_seconds * 2.0 ** min(max(lockouts - 1, 0), _MOST_DOUBLINGS)
    return timedelta(seconds=min(doubled, door.longest_lockout_seconds))
