"""No reader: nobody types."""

from __future__ import annotations

import threading

from agent.hardware.readers import ReaderOptions


class NoReader:
    """Waits, and has nothing to say.

    Args:
        options: of no use.
    """

    def __init__(self, options: ReaderOptions) -> None:
        del options
        self._closed = threading.Event()

    def take(self, seconds: float) -> str | None:
        """Wait so long, or until closed."""
        self._closed.wait(seconds)
        return None

    def close(self) -> None:
        """Wait no longer."""
        self._closed.set()
