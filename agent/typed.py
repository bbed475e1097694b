"""Listens to the reader at the door: what is typed becomes a credential."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from agent.access.keypad import parse
from agent.hardware.readers import Reader
from agent.types import Credential

log = logging.getLogger(__name__)

STEP_SECONDS = 0.5


class Typed:
    """A worker.

    Args:
        reader: of the door; closed by whoever opened it.
        told: called with each credential, from the worker.
        now: the time, UTC.
    """

    def __init__(
        self,
        reader: Reader,
        told: Callable[[Credential], None],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reader, self._told, self._now = reader, told, now

    def step(self) -> None:
        """Waits a little for a line. What is no credential is dropped, and not logged: it may be half a secret."""
        line = self._reader.take(STEP_SECONDS)
        if line is None:
            return
        try:
            credential = parse(line, self._now())
        except ValueError as error:
            log.info("reader: %s", error)
            return
        self._told(credential)
