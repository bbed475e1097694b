"""What is on its way out: waiting, in flight, and kept for the next connection. Bounded; not thread-safe."""

from __future__ import annotations

import itertools
import logging
from typing import Final

from agent.mqtt.connection import Outgoing

logger = logging.getLogger(__name__)

MAX_ANSWERS: Final = 200  # results that wait for a broker; whoever misses one asks again with the same id


class Ledger:
    """Messages not yet acknowledged.

    Retained state: the latest of each topic, sent on every new connection. Answers: sent until acknowledged, the oldest
    forgotten when there are too many. Events: never kept here, the outbox has them.
    """

    def __init__(self) -> None:
        self._retained: dict[str | int, Outgoing] = {}
        self._waiting: dict[str | int, Outgoing] = {}  # by topic where retained, else by number; in order
        self._inflight: dict[int, tuple[str | int, Outgoing]] = {}  # by message id
        self._number = itertools.count()

    @property
    def inflight(self) -> int:
        """How many messages are out and unacknowledged."""
        return len(self._inflight)

    @property
    def waiting(self) -> bool:
        """Whether state or answers wait to be sent; events come after them."""
        return bool(self._waiting)

    @property
    def settled(self) -> bool:
        """Whether all state and answers have been acknowledged."""
        return not self._waiting and all(message.seq is not None for _, message in self._inflight.values())

    def add(self, message: Outgoing) -> None:
        """Takes retained state or an answer."""
        if message.retain:
            self._retained[message.topic] = message
            self._waiting[message.topic] = message
            return
        self._waiting[next(self._number)] = message
        answers = [key for key in self._waiting if isinstance(key, int)]
        if len(answers) > MAX_ANSWERS:
            dropped = self._waiting.pop(answers[0])
            logger.warning("MQTT: too many results wait for the broker, the oldest is dropped: %s", dropped.topic)

    def next(self) -> tuple[str | int, Outgoing] | None:
        """What is to be sent next; `sent` tells that it was."""
        return next(iter(self._waiting.items()), None)

    def sent(self, mid: int, key: str | int, message: Outgoing) -> None:
        """A message has gone out under an id."""
        self._waiting.pop(key, None)
        self._inflight[mid] = (key, message)

    def sent_event(self, mid: int, message: Outgoing) -> None:
        """An event has gone out under an id."""
        self._inflight[mid] = (message.topic, message)

    def acked(self, mid: int) -> Outgoing | None:
        """Takes out what the broker has acknowledged."""
        _, message = self._inflight.pop(mid, (None, None))
        return message

    def disconnected(self) -> None:
        """The connection is gone: state and answers wait again, in their order; events are the outbox's business."""
        lost = {key: message for key, message in self._inflight.values() if not message.retain and message.seq is None}
        answers = {key: message for key, message in self._waiting.items() if not message.retain}
        self._inflight.clear()
        self._waiting = {**self._retained, **lost, **answers}
