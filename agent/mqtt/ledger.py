"""What is on its way out: waiting, in flight, and kept for the next connection. Bounded; not thread-safe."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from typing import Final

from agent.mqtt.connection import Outgoing

logger = logging.getLogger(__name__)

MAX_ANSWERS: Final = 200  # results that wait for a broker; whoever misses one asks again with the same id
MAX_EVENTS: Final = 200  # events that wait for room in the window; the outbox has them all


class Ledger:
    """Messages not yet acknowledged, in the order in which they go out: state and answers, then events.

    Retained state: the latest of each topic, sent on every new connection. Answers: sent until acknowledged, the oldest
    forgotten when there are too many. Events: gone with the connection, the outbox has them.
    """

    def __init__(self) -> None:
        self._retained: dict[str | int, Outgoing] = {}
        self._waiting: dict[str | int, Outgoing] = {}  # by topic where retained, else by number; in order
        self._events: deque[Outgoing] = deque()
        self._inflight: dict[int, tuple[str | int, Outgoing]] = {}  # by message id
        self._number = itertools.count()

    @property
    def inflight(self) -> int:
        """How many messages are out and unacknowledged."""
        return len(self._inflight)

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

    def add_event(self, message: Outgoing) -> bool:
        """Takes an event, if there is room."""
        if len(self._events) >= MAX_EVENTS:
            return False
        self._events.append(message)
        return True

    def next(self) -> Outgoing | None:
        """What is to be sent next; `sent` tells that it was."""
        if self._waiting:
            return next(iter(self._waiting.values()))
        return self._events[0] if self._events else None

    def sent(self, mid: int) -> None:
        """What was next has gone out under an id."""
        if self._waiting:
            key = next(iter(self._waiting))
            self._inflight[mid] = (key, self._waiting.pop(key))
        else:
            event = self._events.popleft()
            self._inflight[mid] = (event.topic, event)

    def acked(self, mid: int) -> Outgoing | None:
        """Takes out what the broker has acknowledged."""
        _, message = self._inflight.pop(mid, (None, None))
        return message

    def disconnected(self) -> None:
        """The connection is gone: state and answers wait again, in their order; events are the outbox's business."""
        lost = {key: message for key, message in self._inflight.values() if not message.retain and message.seq is None}
        answers = {key: message for key, message in self._waiting.items() if not message.retain}
        self._inflight.clear()
        self._events.clear()
        self._waiting = {**self._retained, **lost, **answers}
