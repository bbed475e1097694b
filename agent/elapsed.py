"""Seconds that only go forward, out of times that may step back."""

from __future__ import annotations

from datetime import datetime, timedelta


class Elapsed:
    """Counts seconds between the times it is given; a step back (the clock was set) counts as none.

    Whatever waits on time between the camera and the door measures with this, so that a clock that is set back
    by an hour does not make a visitor wait for an hour.
    """

    def __init__(self) -> None:
        self._sum = timedelta()  # whole microseconds: ten times a tenth of a second is a second
        self._last: datetime | None = None

    def __call__(self, at: datetime) -> float:
        """Seconds from the first time given until `at`, never less than it said before."""
        if self._last is not None:
            self._sum += max(timedelta(), at - self._last)
        self._last = at
        return self._sum.total_seconds()
