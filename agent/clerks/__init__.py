"""What admins ask of a device over MQTT, by domain: each clerk answers some verbs. The command line asks the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.clock import clock_state
from agent.config import Config
from agent.mqtt.message import Command
from agent.register import Request
from agent.store.db import Db
from agent.write import Write


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Office:
    """What a clerk works with. Used by the commander's thread alone."""

    config: Config
    db: Db  # to read
    write: Write  # to change: by whoever may write, in one transaction
    boot_id: str
    changed: Callable[[], None]  # people or rules are others now
    now: Callable[[], datetime] = _now

    def request(self, command: Command) -> Request:
        """Returns who asks, for the audit."""
        clock = clock_state(self.config.clock.synchronised_file)
        return Request(command.asked_by, self.now(), self.boot_id, command.id, clock)
