"""Plays a recording at its own speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets frame n through no earlier than n / fps after the first one: no drift, and no catching up by skipping.

    Args:
        fps: frames per second; None lets every frame through at once.
        monotonic: seconds, from any zero.
    """

    def __init__(self, fps: float | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fps = fps
        self._monotonic = monotonic
        self._first: float | None = None
        self._stopped = threading.Event()

    def wait(self, index: int) -> bool:
        """Return True when it is time for frame `index`, False once stopped."""
        if self._fps is None:
            return not self._stopped.is_set()
        if self._first is None:
            self._first = self._monotonic() - index / self._fps
        seconds = self._first + index / self._fps - self._monotonic()
        return not self._stopped.wait(max(0.0, seconds))

    def stop(self) -> None:
        """End the waiting, now and from now on."""
        self._stopped.set()
