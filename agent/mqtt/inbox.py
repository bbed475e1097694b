"""The bounded queue between the network thread and the commander."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from agent.mqtt.message import MAX_WAITING_BYTES

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
    mid: int = 0  # to settle it by; 0: there is nothing to settle

    @property
    def too_large(self) -> bool:
        """Whether the payload was dropped for its size."""
        return self.size > len(self.payload)


class Inbox:
    """A queue bounded by messages and by bytes.

    When it is full, a message takes the place of the latest of the key that has the most in it, where that has more
    than its own: so a flood in the name of one key keeps no other out, and one that names no key known here keeps
    nobody out. Whatever finds no place is told `busy`. Which keys are known is a hint, set by the other thread, and
    what a message names is not checked yet: all this lets nobody in.
    """

    def __init__(self, *, max_messages: int = 64, max_bytes: int = MAX_WAITING_BYTES) -> None:
        self.known: Collection[bytes] = frozenset()  # ids of keys
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: deque[tuple[Incoming, bytes | None]] = deque()  # with the known key that it names
        self._of_key: Counter[bytes | None] = Counter()
        self._bytes = 0
        self._changed = threading.Condition()

    def put(self, message: Incoming) -> Incoming | None:
        """Takes a message at once; returns the one that there is no room for: this, or another."""
        key = self._key(message)
        with self._changed:
            turned = None
            if not self._fits(message, None):
                turned = self._less_than(key)
                if turned is None or not self._fits(message, turned[0]):
                    return message
                self._messages.remove(turned)
                self._took(turned)
            self._messages.append((message, key))
            self._of_key[key] += 1
            self._bytes += len(message.payload)
            self._changed.notify()
            return turned[0] if turned else None

    def get(self, seconds: float) -> Incoming | None:
        """The oldest message; waits for one for a time, then returns None."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._messages, seconds):
                return None
            taken = self._messages.popleft()
            self._took(taken)
            return taken[0]

    def _took(self, taken: tuple[Incoming, bytes | None]) -> None:
        message, key = taken
        self._bytes -= len(message.payload)
        self._of_key[key] -= 1
        if not self._of_key[key]:
            del self._of_key[key]

    def _fits(self, message: Incoming, without: Incoming | None) -> bool:
        messages = len(self._messages) - (without is not None)
        waiting = self._bytes - (len(without.payload) if without else 0)
        return messages < self._max_messages and waiting + len(message.payload) <= self._max_bytes

    def _less_than(self, key: bytes | None) -> tuple[Incoming, bytes | None] | None:
        """The latest message that has to make room for one of a key."""
        if key is None:
            return None
        worst = None if None in self._of_key else max(self._of_key, key=lambda each: self._of_key[each], default=key)
        if worst is not None and self._of_key[worst] <= self._of_key[key]:
            return None
        return next(each for each in reversed(self._messages) if each[1] == worst)

    def _key(self, message: Incoming) -> bytes | None:
        named = (found[1] for found in _KEY.finditer(message.payload))
        return next((key for key in named if key in self.known), None)
