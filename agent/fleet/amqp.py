"""RabbitMQ: its MQTT plugin has no shared subscriptions before version 4, a quorum queue does the same and more.

What devices publish by MQTT goes to the topic exchange `amq.topic`, "/" written as "."; one durable queue gets all of
it and gives each message to one collector. A quorum queue is on the disks of a majority of nodes before the device gets
its PUBACK. Sites and devices must not have a "." in their names here: RabbitMQ would take it for a "/".

https://www.rabbitmq.com/docs/mqtt, https://www.rabbitmq.com/docs/quorum-queues
"""

from __future__ import annotations

import logging
import ssl
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

from agent.fleet.source import LARGEST, LISTENED_TO, Delivery
from agent.mqtt.backoff import Backoff
from agent.mqtt.topics import ROOT

logger = logging.getLogger(__name__)

QUEUE: Final = "latchkey.collector"
EXCHANGE: Final = "amq.topic"
PERSISTENT: Final = 2
STEADY_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5.0
AWAY: Final = (AMQPError, OSError)


class AmqpSource:
    """One of the collectors of a queue.

    Args:
        hosts: of the cluster's nodes, with their ports; the next is tried where one does not answer.
        user: of the broker.
        password: of the user.
        virtual_host: of the broker: where its MQTT plugin puts what devices say.
        most: messages under way.
        context: of TLS, for `amqps://`.
        queue: collectors of one queue share.
    """

    def __init__(
        self,
        hosts: Sequence[tuple[str, int]],
        *,
        most: int,
        user: str = "guest",
        password: str | None = None,
        virtual_host: str = "/",
        context: ssl.SSLContext | None = None,
        queue: str = QUEUE,
    ) -> None:
        self._nodes = deque(
            pika.ConnectionParameters(
                host,
                port,
                virtual_host,
                pika.PlainCredentials(user, password or ""),
                ssl_options=None if context is None else pika.SSLOptions(context, host),
                heartbeat=20,
                blocked_connection_timeout=30,
                socket_timeout=CONNECT_SECONDS,
                stack_timeout=2 * CONNECT_SECONDS,
                connection_attempts=1,
            )
            for host, port in hosts
        )
        self._most, self._queue = most, queue
        self._backoff = Backoff(least=0.2, most=15.0)
        self._complained = ""
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # a lost connection is several tracebacks to it
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._epoch = 0
        self._waiting: deque[Delivery] = deque()  # bounded by the prefetch
        self._at = 0.0  # monotonic seconds: of the next attempt, or of the last success

    def take(self, seconds: float, most: int) -> Sequence[Delivery]:
        """Serves the connection for at most a time and returns what has come: `most`, 0 while nothing is wanted."""
        now = time.monotonic()
        if self._connection is None and now >= self._at:
            self._connect()
        if self._connection is None:
            time.sleep(min(seconds, max(0.0, self._at - now)))
        else:
            try:
                self._connection.process_data_events(0 if len(self._waiting) >= most > 0 else seconds)
            except AWAY as error:
                self._lost(error)
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tells the broker that these need not be kept; those of a lost connection come again."""
        tags = [number for epoch, number in (each.tag for each in deliveries) if epoch == self._epoch]
        if self._channel is None or not tags:
            return
        try:  # in the order in which they came, all of them: one word for all
            self._channel.basic_ack(max(tags), multiple=True)
        except AWAY as error:
            self._lost(error)

    def send(self, topic: str, payload: bytes) -> bool:
        """Sends a message; False where there is no connection."""
        if self._channel is None:
            return False
        properties = BasicProperties(delivery_mode=PERSISTENT)
        try:
            self._channel.basic_publish(EXCHANGE, topic.replace("/", "."), payload, properties)
        except AWAY as error:
            self._lost(error)
            return False
        return True

    def close(self) -> None:
        """Hangs up; what is not settled goes to another collector."""
        if self._connection is not None and self._connection.is_open:
            try:
                self._connection.close()
            except AWAY as error:
                logger.debug("closing: %s", error)
        self._connection = self._channel = None

    def _connect(self) -> None:
        try:
            self._connection = pika.BlockingConnection(self._nodes[0])
            self._channel = self._connection.channel()
            self._listen(self._channel)
        except AWAY as error:
            self._lost(error)
            return
        self._at, self._complained = time.monotonic(), ""
        self._epoch += 1
        logger.info("AMQP connected: %s:%s", self._nodes[0].host, self._nodes[0].port)

    def _listen(self, channel: BlockingChannel) -> None:
        channel.queue_declare(self._queue, durable=True, arguments={"x-queue-type": "quorum"})
        for topic in LISTENED_TO:
            key = f"{ROOT}/+/+/{topic}".replace("/", ".").replace("+", "*")
            channel.queue_bind(self._queue, EXCHANGE, key)
        channel.basic_qos(prefetch_count=self._most)
        epoch = self._epoch + 1

        def came(_channel: object, deliver: Basic.Deliver, _properties: object, body: bytes) -> None:
            topic = str(deliver.routing_key).replace(".", "/")
            payload, size = (body, -1) if len(body) <= LARGEST else (b"", len(body))
            self._waiting.append(Delivery(topic, payload, (epoch, int(deliver.delivery_tag)), size))

        channel.basic_consume(self._queue, came)

    def _lost(self, error: BaseException) -> None:
        now = time.monotonic()
        if self._channel is not None and now - self._at > STEADY_SECONDS:
            self._backoff.reset()
        node = self._nodes[0]
        complaint = f"{node.host}:{node.port}: {_said(error)}"
        if complaint != self._complained:
            self._complained = complaint
            logger.warning("RabbitMQ at %s; trying the next node", complaint)
        self.close()
        self._nodes.rotate(-1)
        self._waiting.clear()  # not settled: they come again
        self._at = now + self._backoff.next()


def _said(error: BaseException) -> str:
    """What went wrong; pika's errors hold others."""
    inner = [each for each in getattr(error, "args", ()) if isinstance(each, BaseException)]
    return " ".join((str(inner[0]) if inner else str(error)).split())[:200] or type(error).__name__
