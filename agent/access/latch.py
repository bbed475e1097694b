"""When the lock is released: for a time by grants, without a limit by a hold or by the mode.

         released                         its time is over, `lock`, the door has closed
LOCKED ─────────────► RELEASED ──────────────────────────────────────────────────► LOCKED
  ▲                      │ as long as all releases together may last
  │ the rest is over     ▼
  └─────────────────  RESTING: locked for a moment; a release that comes now begins after it

any ── `hold`, or the mode keeps it unlocked ──► HELD ── `lock`, the mode ends ──► RELEASED if time is left, LOCKED
any ── locked down ──► LOCKED, and the exit button alone releases: nobody is ever locked in

`lock` overrules a mode that keeps it unlocked until that mode ends, or is asked for anew. A lock-down ends a `hold`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from agent.access.effects import Relay


class RelockOn(StrEnum):
    """What ends a release before its time."""

    CLOSING = "closing"  # the door has been opened and is closed again
    OPENING = "opening"  # it has been opened: for latches that fall in by themselves
    TIME = "time"  # nothing does


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSettings:
    """How long, in seconds."""

    exit_seconds: float = 5.0  # a release by the exit button
    max_open_seconds: float = 30.0  # of all releases that follow each other without a break
    rest_seconds: float = 0.5  # locked for at least so long after that
    relock: RelockOn = RelockOn.CLOSING
    held_open_soon_seconds: float = 15.0  # open for longer than was granted: the pre-alarm
    held_open_seconds: float = 30.0  # the same: the alarm
    grace_seconds: float = 1.0  # a door that opens so soon after locking was on its way; contacts bounce, too


@dataclass(frozen=True, slots=True)
class Release:
    """A time for which the lock is released; monotonic seconds."""

    starts: float
    ends: float
    latest: float  # no release that joins this one reaches beyond


class Latch:
    """Knows whether the relay is on. All instants are monotonic seconds and never go back.

    Args:
        settings: how long.
    """

    def __init__(self, settings: LockSettings) -> None:
        self.release: Release | None = None  # the one that runs, or waits for the end of the rest
        self.grace_until = -math.inf  # until then an opening was on its way
        self.locked_down = False
        self._settings = settings
        self._rest_until = -math.inf
        self._held = self._kept = self._overruled = False

    @property
    def free(self) -> bool:
        """Whether it is unlocked without a limit."""
        return (self._held or (self._kept and not self._overruled)) and not self.locked_down

    @property
    def released(self) -> bool:
        """Whether it is unlocked, or will be after the rest."""
        return self.free or self.release is not None

    def relay(self, at: float) -> Relay:
        """Returns how the relay is driven."""
        if self.free:
            return Relay(on=True)
        return Relay(on=True, until=self.release.ends) if self.release and self.runs(at) else Relay(on=False)

    def runs(self, at: float) -> bool:
        """Whether a release has begun and is not over."""
        return self.release is not None and self.release.starts <= at

    def opens(self, at: float) -> bool:
        """Whether somebody who opens the door now may."""
        return self.released or at <= self.grace_until

    def add(self, at: float, seconds: float) -> Release:
        """Releases for a time, makes the release longer that runs, or puts one after the rest; returns it."""
        running = self.release
        starts = max(at, self._rest_until) if running is None else running.starts
        latest = starts + self._settings.max_open_seconds
        ends = min(max(at, starts) + seconds, latest)
        self.release = Release(starts, max(ends, running.ends if running else ends), latest)
        return self.release

    def end(self, at: float) -> None:
        """Ends the release, if there is one; at its latest instant the rest begins."""
        if self.release is None:
            return
        if at >= self.release.latest:
            self._rest_until = at + self._settings.rest_seconds
        self.release = None
        self.be_graceful(at)

    def be_graceful(self, at: float) -> None:
        """An opening within the next moment was on its way."""
        self.grace_until = at + self._settings.grace_seconds

    def hold(self) -> None:
        """Unlocked until told otherwise."""
        self._held, self._overruled = True, False

    def lock(self, at: float) -> None:
        """Locked now; a mode that keeps it unlocked is overruled until it ends."""
        self._held, self._overruled = False, self._kept
        self.end(at)

    def keep(self, *, unlocked: bool, anew: bool) -> None:
        """The mode keeps it unlocked, or does not."""
        if anew or unlocked != self._kept:
            self._overruled = False
        self._kept = unlocked

    def lock_down(self, at: float, *, on: bool) -> None:
        """Locked, whatever was granted or held; the exit button alone may add a release."""
        if on and not self.locked_down:
            self._held = False
            self.end(at)
        self.locked_down = on
