"""What the link has to complain about: each reason once, until a connection has lasted."""

from __future__ import annotations

import logging
from typing import Final

logger = logging.getLogger(__name__)

MOST: Final = 20  # different reasons logged before the next success
HINTS: Final = {
    "Unsupported protocol version": "the broker does not speak MQTT 5: set [mqtt] protocol = 311",
    "Bad user name or password": "check [mqtt] username and password_file",
    "Not authorized": "check [mqtt] username and password_file, and the broker's access list",
    "Session taken over": "another client connects with the same client id",
}


class Complaints:
    """Logs reasons, with what to do about them where that is known."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def add(self, reason: str) -> None:
        """Logs a reason that is new."""
        if reason in self._told or len(self._told) >= MOST:
            return
        self._told.add(reason)
        hint = next((f" ({hint})" for word, hint in HINTS.items() if word in reason), "")
        logger.warning("MQTT: %s%s; the agent goes on and keeps trying", reason, hint)

    def forget(self) -> None:
        """All is well: the same reason will be news."""
        self._told.clear()
