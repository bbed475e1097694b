"""Where a collector takes messages from and sends acknowledgements to: a broker, by MQTT or AMQP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

LISTENED_TO: Final = ("event/+", "status", "health")
"""What devices say that a fleet keeps, below `latchkey/v1/<site>/<device>/`."""
LARGEST: Final = 262_144  # bytes of a message that is looked at; those of devices have a few hundred


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that the broker keeps until it is settled."""

    topic: str
    payload: bytes = field(repr=False)
    tag: tuple[int, int] = (0, 0)  # connection and number: for the source alone
    size: int = -1  # bytes it had, where it was too large to keep; -1: as many as there are

    @property
    def too_large(self) -> bool:
        """Whether the payload was dropped for its size."""
        return self.size > len(self.payload)


class Source(Protocol):
    """A broker. Used by one thread; connects again by itself."""

    def take(self, seconds: float, most: int) -> Sequence[Delivery]:
        """Serves the connection for at most a time and returns what has come: `most`, 0 while nothing is wanted."""

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tells the broker that these need not be kept; those of a lost connection come again."""

    def send(self, topic: str, payload: bytes) -> bool:
        """Sends a message, QoS 1; False where there is no connection."""

    def close(self) -> None:
        """Hangs up; what is not settled goes to another collector."""
