"""A line to the broker for the roster: kept up by whoever steps it, one thread, messages handed over as they come.

The roster has a connection of its own, at devices too: pages with thousands of people do not stand before a command.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from agent.mqtt.backoff import Backoff
from agent.mqtt.complaints import Complaints
from agent.mqtt.connection import Acked, Connection, Gone, Outgoing, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.outlet import Outlet
from agent.mqtt.settings import LinkSettings

STEADY_SECONDS: Final = 5.0  # a connection that lasted this long was a success
MOMENT_SECONDS: Final = 0.05


class Line:
    """Connects, subscribes, and comes back when the connection is lost.

    Args:
        settings: how to reach the broker; `client_id` has to be set.
        subscriptions: what to listen to.
        heard: told of each message, in the thread that steps.
        ready: told when it has subscribed, each time.
    """

    def __init__(
        self,
        settings: LinkSettings,
        subscriptions: tuple[str, ...],
        heard: Callable[[Incoming], object],
        *,
        ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings, self._subscriptions = settings, subscriptions
        self._context = settings.tls.context() if settings.tls else None
        self._heard, self._told_ready = heard, ready
        self._backoff = Backoff(least=settings.reconnect_min_seconds, most=settings.reconnect_max_seconds)
        self._complaints, self._outlet = Complaints(), Outlet()
        self._connection: Connection | None = None
        self._at = 0.0  # monotonic seconds: the next attempt, or when the connection began
        self.trouble = "no answer"  # why there is no connection

    @property
    def connected(self) -> bool:
        """Whether it has subscribed."""
        return self._outlet.is_open

    def send(self, message: Outgoing) -> None:
        """Sends a message, now or when there is a connection; retained ones replace each other. From any thread."""
        self._outlet.send(message)

    def settle(self, seconds: float) -> bool:
        """Waits, while another thread steps, until all that was sent is acknowledged; whether it is."""
        return self._outlet.wait_settled(seconds)

    def step(self, seconds: float = 0.25) -> None:
        """Connects when it is time, or serves the connection for a while at the most."""
        if self._connection is None:
            wait = self._at - time.monotonic()
            if wait > 0:
                time.sleep(min(wait, seconds, MOMENT_SECONDS))
                return
            self._connect()
        connection = self._connection
        if connection is None:
            return
        for happening in connection.serve(seconds):
            match happening:
                case Ready():
                    self._ready(connection, happening)
                case Acked():
                    self._acked(happening)
                case Incoming():
                    self._heard(happening)
                case Gone():
                    self._lost(happening.reason)
        if self._connection is not None and not self.connected and self._late():
            connection.drop()
            self._lost("no answer to CONNECT")

    def close(self) -> None:
        """Hangs up; by the thread that steps, or after it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._outlet.shut()

    def _late(self) -> bool:
        return time.monotonic() - self._at > self._settings.connect_seconds

    def _connect(self) -> None:
        self._at = time.monotonic()
        connection = Connection(
            self._settings,
            self._context,
            client_id=self._settings.client_id,
            will=None,
            subscriptions=self._subscriptions,
        )
        try:
            connection.open()
        except (OSError, UnicodeError) as error:
            self._lost(f"cannot connect to {self._settings.host}:{self._settings.port}: {error}")
            return
        self._connection = connection

    def _ready(self, connection: Connection, ready: Ready) -> None:
        if ready.denied:
            self._complaints.add(f"the broker does not let us listen to {', '.join(ready.denied)}")
        self._outlet.open(connection, min(self._settings.max_inflight, ready.max_inflight))
        self._told_ready()

    def _acked(self, acked: Acked) -> None:
        message = self._outlet.acked(acked.mid)
        if message is not None and acked.refused:
            self._complaints.add(f"the broker refuses {message.topic}: {acked.refused}")

    def _lost(self, reason: str) -> None:
        now = time.monotonic()
        if self.connected and now - self._at > STEADY_SECONDS:
            self._backoff.reset()
            self._complaints.forget()
        self.trouble = reason
        self._complaints.add(reason)
        self._connection = None
        self._outlet.shut()
        self._at = now + self._backoff.next()
