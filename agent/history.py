"""Keeps how the device is, every few minutes, for a fortnight: what there is to plot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.attendance.punch import Clock
from agent.health import HealthCheck
from agent.store import samples
from agent.store.db import Db
from agent.store.samples import Sample
from agent.write import Write

EVERY_SECONDS: Final = 300.0
KEPT: Final = timedelta(days=14)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the camera's side tells."""

    frames: int  # looked at since the start
    dropped: int  # never looked at, since the start
    latency_ms: float | None  # of a frame with a face, the median


class History:
    """Used by one thread.

    Args:
        check: asks around; nobody else's, for it reckons frames a second since it looked last.
        write: as the recorder does.
        counts: returns what the camera's side tells.
    """

    def __init__(self, check: HealthCheck, write: Write, counts: Callable[[], Counts]) -> None:
        self._check, self._write, self._counts = check, write, counts
        self._dropped = 0
        self._due = time.monotonic() + EVERY_SECONDS  # the first says something of as long as the others

    def look(self) -> None:
        """Keeps a sample when it is time, and lets old ones go. By a clock that is not set there is none.

        Raises:
            StoreError: it cannot be kept.
        """
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + EVERY_SECONDS
        counts = self._counts()
        health = self._check.look(frames=counts.frames, dropped=counts.dropped, people=0, templates=0)
        dropped, self._dropped = counts.dropped - self._dropped, counts.dropped
        if health.clock is Clock.UNSYNCHRONISED:
            return
        sample = Sample(
            fps=health.fps,
            latency_ms=counts.latency_ms,
            temperature_celsius=health.temperature_celsius,
            disk_free_bytes=health.disk_free_bytes,
            memory_bytes=health.memory_bytes,
            outbox_depth=health.outbox_depth,
            frames_dropped=dropped,
        )
        now = datetime.now(UTC)

        def keep(db: Db) -> None:
            with db.transaction():
                samples.prune(db, now - KEPT, now + DAY)
                samples.add(db, now, sample)

        self._write(keep)
