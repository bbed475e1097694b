"""The way out, for any thread: never more than the window in flight, state and answers before events."""

from __future__ import annotations

import threading
import time
from typing import Final

from agent.mqtt.connection import Connection, Outgoing
from agent.mqtt.ledger import Ledger

STALLED_SECONDS: Final = 60.0
"""Without an acknowledgement for what is in flight: a cluster that lost a node may keep a connection and forget it."""


class Outlet:
    """Sends messages over the connection of the day.

    Its lock is never taken by paho's callbacks, so it may be held while publishing.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards everything here
        self._ledger = Ledger()
        self._connection: Connection | None = None
        self._window = 0
        self._epoch = 0
        self._progress = 0.0  # monotonic seconds: the last acknowledgement, or what began to wait for one

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that takes messages."""
        return self._connection is not None

    @property
    def epoch(self) -> int:
        """Which connection it is, counted from 1; 0 before the first."""
        return self._epoch

    @property
    def stalled(self) -> bool:
        """Whether the broker has long acknowledged nothing of what is in flight."""
        with self._changed:
            waits = self._connection is not None and self._ledger.inflight > 0
            return waits and time.monotonic() - self._progress > STALLED_SECONDS

    def open(self, connection: Connection, window: int) -> None:
        """A connection is ready; what waited goes out."""
        with self._changed:
            self._connection, self._window = connection, window
            self._epoch += 1
            self._pump()
            self._changed.notify_all()

    def shut(self) -> None:
        """The connection is gone."""
        with self._changed:
            self._connection = None
            self._ledger.disconnected()
            self._changed.notify_all()

    def send(self, message: Outgoing) -> None:
        """Sends retained state or an answer, now or when there is a connection again."""
        with self._changed:
            self._ledger.add(message)
            self._pump()

    def send_event(self, message: Outgoing, epoch: int) -> bool:
        """Sends an event, now or when there is room in the window, if the connection is the one the caller means.

        False where it is another one, or where too many events wait already.
        """
        with self._changed:
            if self._connection is None or epoch != self._epoch or not self._ledger.add_event(message):
                return False
            self._pump()
            return True

    def acked(self, mid: int) -> Outgoing | None:
        """What the broker has taken, or refused; sends what waited for the room."""
        with self._changed:
            message = self._ledger.acked(mid)
            self._progress = time.monotonic()
            self._pump()
            self._changed.notify_all()
            return message

    def wait_open(self, seconds: float) -> bool:
        """Waits for a connection; whether there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_open, seconds)

    def wait_settled(self, seconds: float) -> bool:
        """Waits until all state and answers are acknowledged; whether they are."""
        with self._changed:
            self._changed.wait_for(lambda: self._ledger.settled or not self.is_open, seconds)
            return self._ledger.settled

    def _pump(self) -> None:
        while self._connection is not None and self._ledger.inflight < self._window:
            message = self._ledger.next()
            mid = self._connection.publish(message) if message is not None else None
            if mid is None:
                return
            if self._ledger.inflight == 0:
                self._progress = time.monotonic()
            self._ledger.sent(mid)
