"""A broker that speaks MQTT, with a shared subscription: Mosquitto, EMQX and others."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.fleet.source import LISTENED_TO, Delivery
from agent.mqtt.backoff import Backoff
from agent.mqtt.complaints import Complaints
from agent.mqtt.connection import Connection, Gone, Outgoing, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import ROOT

logger = logging.getLogger(__name__)

GROUP: Final = "collector"
STEADY_SECONDS: Final = 5.0


class MqttSource:
    """A shared subscription: the broker gives each message to one of those who have it.

    The session outlives the connection, so that a collector that comes back soon finds what it had not settled. Where
    the broker keeps it to itself for longer, the device sends it again in the end.

    Args:
        settings: the broker; `client_id` is the collector's name, and each has its own.
        most: messages under way; what the broker may send without being told that they are settled.
        group: collectors of one group share.
    """

    def __init__(self, settings: LinkSettings, *, most: int, group: str = GROUP) -> None:
        self._settings = replace(settings, max_unsettled=most)
        self._context = settings.tls.context() if settings.tls else None
        self._topics = tuple(f"$share/{group}/{ROOT}/+/+/{topic}" for topic in LISTENED_TO)
        self._backoff = Backoff(least=settings.reconnect_min_seconds, most=settings.reconnect_max_seconds)
        self._complaints = Complaints()
        self._connection: Connection | None = None
        self._ready = False
        self._epoch = 0
        self._waiting: deque[Delivery] = deque()  # bounded by what the broker may send
        self._at = 0.0  # monotonic seconds: of the next attempt, or of the last success

    def take(self, seconds: float, most: int) -> Sequence[Delivery]:
        """Serves the connection for at most a time and returns what has come: `most`, 0 while nothing is wanted."""
        now = time.monotonic()
        if self._connection is None and now >= self._at:
            self._connect()
        if self._connection is None:
            time.sleep(min(seconds, max(0.0, self._at - now)))
        else:
            self._serve(self._connection, 0.0 if len(self._waiting) >= most > 0 else seconds)
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tells the broker that these need not be kept; those of a lost connection come again."""
        if self._connection is None:
            return
        for delivery in deliveries:
            epoch, mid = delivery.tag
            if epoch == self._epoch and mid:
                self._connection.settle(mid)

    def send(self, topic: str, payload: bytes) -> bool:
        """Sends a message, QoS 1; False where there is no connection."""
        if self._connection is None or not self._ready:
            return False
        return self._connection.publish(Outgoing(topic, payload)) is not None

    def close(self) -> None:
        """Hangs up; what is not settled goes to another collector."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> None:
        settings = self._settings
        connection = Connection(
            settings, self._context, client_id=settings.client_id, will=None, subscriptions=self._topics
        )
        try:
            connection.open()
        except (OSError, UnicodeError) as error:
            self._lost(f"cannot connect to {settings.host}:{settings.port}: {error}")
            return
        self._connection, self._at = connection, time.monotonic()
        self._epoch += 1

    def _serve(self, connection: Connection, seconds: float) -> None:
        for happening in connection.serve(seconds):
            match happening:
                case Ready():
                    self._ready = True
                    logger.info("MQTT connected: %s:%d", self._settings.host, self._settings.port)
                    if happening.denied:
                        self._complaints.add(f"the broker does not let us listen to {', '.join(happening.denied)}")
                case Incoming():
                    size = happening.size if happening.too_large else -1
                    tag = (self._epoch, happening.mid)
                    self._waiting.append(Delivery(happening.topic, happening.payload, tag, size))
                case Gone():
                    self._lost(f"connection lost: {happening.reason}")
                    return
        if not self._ready and time.monotonic() - self._at > self._settings.connect_seconds:
            connection.drop()
            self._lost("no answer to CONNECT")

    def _lost(self, reason: str) -> None:
        now = time.monotonic()
        if self._ready and now - self._at > STEADY_SECONDS:
            self._backoff.reset()
            self._complaints.forget()
        self._complaints.add(reason)
        self._connection, self._ready = None, False
        self._waiting.clear()  # not settled: they come again
        self._at = now + self._backoff.next()
