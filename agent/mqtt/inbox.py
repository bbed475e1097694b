"""The bounded queue between the network thread and the commander."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from agent.mqtt.message import MAX_PHOTO_BYTES


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """MQTT 5: where else a requester wants the answer, and the words to know it by."""

    topic: str
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message on one of the command topics."""

    topic: str
    payload: bytes = field(repr=False)
    size: int  # bytes it had; more than `payload` holds where it was too large to keep
    retained: bool = False
    reply_to: ReplyTo | None = None
    mid: int = 0  # to settle it by; 0: there is nothing to settle

    @property
    def too_large(self) -> bool:
        """Whether the payload was dropped for its size."""
        return self.size > len(self.payload)


class Inbox:
    """A queue bounded by messages and by bytes. When it is full, the sender is told `busy`."""

    def __init__(self, *, max_messages: int = 64, max_bytes: int = MAX_PHOTO_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[Incoming] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: Incoming) -> bool:
        """Takes a message at once, or returns False where there is no room."""
        with self._changed:
            if len(self._messages) >= self._max_messages or self._bytes + len(message.payload) > self._max_bytes:
                return False
            self._messages.append(message)
            self._bytes += len(message.payload)
            self._changed.notify()
            return True

    def get(self, seconds: float) -> Incoming | None:
        """The oldest message; waits for one for a time, then returns None."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._messages, seconds):
                return None
            message = self._messages.popleft()
            self._bytes -= len(message.payload)
            return message
