"""A token bucket: so many at once, and so many a second in the long run."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Used by one thread.

    Args:
        burst: how many at once.
        rate: how many a second in the long run.
        clock: seconds, monotonic.
    """

    def __init__(self, burst: float, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = burst, rate, clock
        self._left, self._at = burst, clock()

    def take(self) -> bool:
        """Takes one; returns False, and takes none, where none is left."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
