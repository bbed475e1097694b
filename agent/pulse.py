"""How the device was, once a minute for a day: in memory, so that no card wears out by it; a restart begins anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from agent.errors import StoreError
from agent.mqtt.telemetry import Health

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
MOST: Final = 1440  # a day
STEP_SECONDS: Final = 0.5
KEPT: Final = {"at", "fps", "outbox_depth", "temperature_celsius", "memory_bytes", "disk_free_bytes"}


class Pulse:
    """A worker's step; `samples` may be read from any thread.

    Args:
        look: how the device is; called by the worker alone.
        clock: monotonic seconds.
    """

    def __init__(self, look: Callable[[], Health], clock: Callable[[], float] = time.monotonic) -> None:
        self.samples: tuple[dict[str, Any], ...] = ()
        self._look, self._clock, self._due = look, clock, clock()

    def step(self) -> None:
        """Waits a little; looks when it is time."""
        time.sleep(STEP_SECONDS)
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY_SECONDS
        try:
            seen = self._look().model_dump(mode="json", include=KEPT, exclude_none=True)
        except StoreError as error:  # it is looked again in a minute
            log.warning("how the device is cannot be told: %s", error)
            return
        self.samples = (*self.samples[1 - MOST :], seen)
