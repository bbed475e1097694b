"""From the outbox to the broker: in order, a bounded number at a time, marked as sent when acknowledged.

At least once: an event is marked only after its PUBACK, so a crash or a lost connection in between sends it again,
under the same id. After every new connection the outbox is read from the start: what was in flight on the old one
goes first, which keeps the order in which a subscriber sees events for the first time.

Where a collector has to acknowledge events, too, what is marked here is only that the broker has them; those that stay
unacknowledged come back by `agent.mqtt.resending`.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from queue import Empty
from typing import Final, Protocol

from agent.errors import StoreError
from agent.mqtt.link import Ack, Link
from agent.mqtt.resending import Resending
from agent.mqtt.telemetry import event_body
from agent.types import Event

logger = logging.getLogger(__name__)

BATCH: Final = 200  # acknowledged events marked in one transaction, and events read at once
BATCH_SECONDS: Final = 0.05  # how long an acknowledged event may wait to be marked
IDLE_SECONDS: Final = 0.5  # between looks into the outbox when nobody wakes us (another process may record, too)
HOLD_SECONDS: Final = 10.0  # before going on when the broker refused an event or the disk is full
HISTORICAL_SECONDS: Final = 60.0


class Unsent(Protocol):
    """Reads the outbox: events not yet marked, in order of `seq`."""

    def __call__(self, *, after: int, limit: int) -> Sequence[Event]:
        """At most `limit` events with a greater `seq` than `after`."""


class OutboxPublisher:
    """A worker that publishes what the outbox holds.

    Args:
        link: to the broker.
        unsent: reads the outbox.
        mark_sent: marks events as sent, in one transaction.
        boot_id: of this start; events of another are historical.
        resending: of events that a collector has not acknowledged, where one has to.
        now: the time, UTC.
    """

    def __init__(
        self,
        link: Link,
        *,
        unsent: Unsent,
        mark_sent: Callable[[Sequence[int]], object],
        boot_id: str,
        resending: Resending | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._link = link
        self._unsent = unsent
        self._mark_sent = mark_sent
        self._boot_id = boot_id
        self._now = now
        self._resending, self._answered = resending, False
        self._epoch = 0
        self._cursor = 0  # the last seq read on this connection
        self._ahead: deque[Event] = deque()  # read, not yet sent
        self._inflight: set[int] = set()  # with the link, not acknowledged
        self._acked: list[int] = []  # acknowledged, not yet marked
        self._acked_since = 0.0  # monotonic seconds
        self._hold_until = 0.0  # monotonic seconds: nothing is sent before
        self._mark_after = 0.0  # monotonic seconds: the database did not take it

    def wake(self) -> None:
        """An event has been recorded: look at once. From any thread."""
        self._link.acks.put(Ack())

    def acknowledged(self) -> None:
        """A collector has acknowledged something: go on with the rest. From any thread."""
        self._answered = True
        self.wake()

    def step(self) -> None:
        """Takes acknowledgements, marks, sends; waits for news where there is nothing to do."""
        self._take_acks(self._patience())
        self._mark()
        if self._link.connected and time.monotonic() >= self._hold_until:
            try:
                self._follow_connection()
                self._send()
            except StoreError as error:  # they cannot be read just now: they wait, and people go in
                logger.warning("events cannot be read, and are not sent until they can: %s", error)
                self._hold_until = time.monotonic() + HOLD_SECONDS

    def drain(self, seconds: float) -> bool:
        """Publishes what is left, for at most a time; whether the outbox is empty."""
        deadline = time.monotonic() + seconds
        while self._link.connected and time.monotonic() < deadline:
            self.step()
            if not (self._inflight or self._ahead or self._acked or self._unsent(after=0, limit=1)):
                return True
        self._mark(everything=True)
        return not self._unsent(after=0, limit=1)

    def _patience(self) -> float:
        return BATCH_SECONDS if self._acked else IDLE_SECONDS

    def _take_acks(self, seconds: float) -> None:
        """All acknowledgements there are, after waiting a while for the first."""
        try:
            self._take(self._link.acks.get(timeout=seconds))
            while True:
                self._take(self._link.acks.get_nowait())
        except Empty:
            return

    def _take(self, ack: Ack) -> None:
        if ack.seq is None:
            return
        self._inflight.discard(ack.seq)
        if ack.refused is not None:
            self._hold_until = time.monotonic() + HOLD_SECONDS
            self._epoch = 0  # read again from the start, the refused ones included
            return
        if not self._acked:
            self._acked_since = time.monotonic()
        self._acked.append(ack.seq)

    def _mark(self, *, everything: bool = False) -> None:
        """Marks acknowledged events when there are enough, when they have waited, or when the connection is idle."""
        now = time.monotonic()
        ripe = len(self._acked) >= BATCH or not self._inflight or now - self._acked_since >= BATCH_SECONDS
        if not self._acked or not (everything or (ripe and now >= self._mark_after)):
            return
        try:
            self._mark_sent(self._acked)
        except StoreError as error:  # full, or locked by another program: neither is a reason to close the door
            logger.warning("events cannot be marked as sent, and are not sent until they can: %s", error)
            self._hold_until = self._mark_after = now + HOLD_SECONDS
            return
        self._acked = []

    def _follow_connection(self) -> None:
        """On a new connection nothing is in flight, and the outbox is read from its start."""
        epoch = self._link.epoch
        if epoch != self._epoch:
            self._mark(everything=True)  # or they would be read, and sent, again
            self._epoch = epoch
            self._cursor = 0
            self._ahead.clear()
            self._inflight.clear()

    def _send(self) -> None:
        """Hands events to the link, in order, until it takes no more or nothing is left."""
        while self._ahead or self._read():
            event = self._ahead[0]
            topic = self._link.topics.event(event.kind)
            if not self._link.publish(topic, self._payload(event), seq=event.seq, epoch=self._epoch):
                return
            self._inflight.add(event.seq)
            self._ahead.popleft()

    def _read(self) -> bool:
        self._ahead.extend(self._again())
        events = self._unsent(after=self._cursor, limit=BATCH)
        if events:
            self._ahead.extend(events)
            self._cursor = events[-1].seq
        return bool(self._ahead)

    def _again(self) -> list[Event]:
        """What is sent once more, but for what is on its way just now."""
        if self._resending is None:
            return []
        now = time.monotonic()
        if self._answered:
            self._answered = False
            self._resending.acknowledged(now)
        return [event for event in self._resending.round(now) if event.seq not in self._inflight]

    def _payload(self, event: Event) -> bytes:
        age_seconds = (self._now() - event.at).total_seconds()
        historical = event.boot_id != self._boot_id or age_seconds > HISTORICAL_SECONDS
        topics = self._link.topics
        body = event_body(event, site=topics.site, device=topics.device, historical=historical)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
