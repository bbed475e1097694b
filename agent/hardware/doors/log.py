"""A door that only says what it would do: for the demo, for tests and before the relay is wired."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from agent.hardware.doors import DoorOptions
from agent.hardware.doors.relock import Relock

log = logging.getLogger(__name__)


class LogDoor:
    """Logs each locking and unlocking, and keeps the time like a real one.

    Args:
        options: `max_open_seconds`.
        monotonic: seconds, from any zero.
    """

    def __init__(self, options: DoorOptions, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._relock = Relock(_say, max_open_seconds=options.max_open_seconds, monotonic=monotonic)

    @property
    def unlocked(self) -> bool:
        """Whether it is open for somebody now."""
        return self._relock.unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock, return at once, and lock again by itself."""
        self._relock.pulse(seconds)

    def hold(self, *, unlocked: bool) -> None:
        """Keep it unlocked, or lock it now."""
        self._relock.hold(unlocked=unlocked)

    def close(self) -> None:
        """Lock it. May be called again."""
        self._relock.close()


def _say(unlocked: bool) -> None:  # noqa: FBT001 - a switch has one position to be told
    log.info("door %s", "unlocked" if unlocked else "locked")
