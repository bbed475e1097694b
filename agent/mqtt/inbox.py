"""The bounded queue between the network thread and the commander."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from agent.mqtt.message import MAX_PHOTO_BYTES

_KEY: Final = re.compile(rb'"key"\s*:\s*"([0-9a-f]{16})"')


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

    @property
    def too_large(self) -> bool:
        """Whether the payload was dropped for its size."""
        return self.size > len(self.payload)


class Inbox:
    """A queue bounded by messages and by bytes.

    When it is full, what names a key that is known here takes the place of the latest that does not, so that a flood
    of what nobody has signed keeps no command out; whatever finds no place is told `busy`. Which keys these are is a
    hint, set by the other thread: it lets nobody in.
    """

    def __init__(self, *, max_messages: int = 64, max_bytes: int = MAX_PHOTO_BYTES) -> None:
        self.known: Collection[bytes] = frozenset()  # ids of keys
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[Incoming] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: Incoming) -> Incoming | None:
        """Takes a message at once; returns the one that there is no room for: this, or another."""
        with self._changed:
            turned = None
            if not self._fits(message, None):
                turned = self._less_than(message)
                if turned is None or not self._fits(message, turned):
                    return message
                self._messages.remove(turned)
                self._bytes -= len(turned.payload)
            self._messages.append(message)
            self._bytes += len(message.payload)
            self._changed.notify()
            return turned

    def get(self, seconds: float) -> Incoming | None:
        """The oldest message; waits for one for a time, then returns None."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._messages, seconds):
                return None
            message = self._messages.popleft()
            self._bytes -= len(message.payload)
            return message

    def _fits(self, message: Incoming, without: Incoming | None) -> bool:
        messages = len(self._messages) - (without is not None)
        waiting = self._bytes - (len(without.payload) if without else 0)
        return messages < self._max_messages and waiting + len(message.payload) <= self._max_bytes

    def _less_than(self, message: Incoming) -> Incoming | None:
        """The latest that names no known key, where this one does."""
        if not self._promises(message):
            return None
        return next((each for each in reversed(self._messages) if not self._promises(each)), None)

    def _promises(self, message: Incoming) -> bool:
        return any(found[1] in self.known for found in _KEY.finditer(message.payload))
