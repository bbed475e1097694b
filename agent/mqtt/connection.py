"""One connection to the broker, from CONNECT to its end. The only code that touches paho's client.

A connection is never reused: paho's own queue of unacknowledged messages dies with it, so that the outbox in the
database is the only queue of events. paho calls back in the thread that serves; the callbacks only take notes, which
`serve` hands out after paho has let go of its locks. Publishing is allowed from any thread.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import MQTTException, Properties  # type: ignore[attr-defined]  # 2.1 has it only there
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.mqtt.inbox import Incoming, ReplyTo
from agent.mqtt.settings import LinkSettings

UNLIMITED: Final = 65_535  # messages in flight where the broker states no limit (MQTT 5, 3.2.2.3.3)
# What paho before 2.2 lets escape while it decodes packets that no broker should send (found by feeding it noise).
MALFORMED: Final = (struct.error, IndexError, KeyError, ValueError, MQTTException)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out, QoS 1."""

    topic: str
    payload: bytes = field(repr=False)
    retain: bool = False
    correlation: bytes | None = None  # MQTT 5 only
    seq: int | None = None  # of the event it carries
    said_on: str | None = None  # the topic that its signature is for, where it goes elsewhere too


@dataclass(frozen=True, slots=True)
class Ready:
    """Connected and subscribed. `denied` are the subscriptions the broker did not grant."""

    max_inflight: int
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acked:
    """The broker has taken a message, or `refused` it."""

    mid: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Gone:
    """The connection has ended."""

    reason: str


Happening: TypeAlias = Ready | Acked | Incoming | Gone


class Connection:
    """One connection to the broker."""

    def __init__(
        self,
        settings: LinkSettings,
        context: ssl.SSLContext | None,
        *,
        client_id: str,
        will: Outgoing | None,
        subscriptions: tuple[str, ...],
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._happened: deque[Happening] = deque()
        self._max_inflight = UNLIMITED
        self._reason: str | None = None
        self._client = self._make_client(client_id)
        self._client.max_inflight_messages_set(0)  # the ledger counts
        self._client.connect_timeout = settings.connect_seconds
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        if settings.username:
            self._client.username_pw_set(settings.username, settings.password)
        if context is not None:
            self._client.tls_set_context(context)

    def _make_client(self, client_id: str) -> Client:
        five = self._settings.protocol == 5  # noqa: PLR2004  the protocol's name
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else self._settings.session_seconds == 0,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=self._settings.max_unsettled is not None,
        )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_open = _send_at_once
        # With this callback set, publish() leaves the writing to serve(): paho's socket then has one writer.
        client.on_socket_register_write = _leave_it
        return client

    def open(self) -> None:
        """Connects the socket and sends CONNECT. Blocks; `serve` tells what became of it.

        Raises:
            OSError: nobody there, or TLS failed.
        """
        settings = self._settings
        if settings.protocol != 5:  # noqa: PLR2004
            self._client.connect(settings.host, settings.port, settings.keepalive_seconds)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        properties.SessionExpiryInterval = settings.session_seconds
        # The broker keeps larger ones to itself; between one and two limits we say "too_large".
        properties.MaximumPacketSize = 2 * settings.max_payload_bytes
        if settings.max_unsettled is not None:
            properties.ReceiveMaximum = settings.max_unsettled
        clean = settings.session_seconds == 0
        self._client.connect(
            settings.host, settings.port, settings.keepalive_seconds, clean_start=clean, properties=properties
        )

    def serve(self, seconds: float) -> list[Happening]:
        """Reads and writes for at most a time and returns what happened; `Gone` is the last ever.

        Without time to wait any number of files may be open: paho waits by `select`, which ends at 1,024.
        """
        try:
            code = self._client.loop(seconds) if seconds else self._look()
        except MALFORMED as error:
            self.drop()
            self._reason, code = f"malformed packet ({error})", MQTTErrorCode.MQTT_ERR_PROTOCOL
        happened = [self._happened.popleft() for _ in range(len(self._happened))]
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._let_go()
            happened.append(Gone(self._reason or error_string(code).rstrip(".").lower()))
        return happened

    def _look(self) -> MQTTErrorCode:
        code = self._client.loop_read() or (self._client.loop_write() if self._client.want_write() else 0)
        return MQTTErrorCode(code or self._client.loop_misc())

    def publish(self, message: Outgoing) -> int | None:
        """Sends a message and returns its id for `Acked`; None where it was not taken. From any thread."""
        properties = None
        if message.correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho
            properties.CorrelationData = message.correlation
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain, properties=properties)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def settle(self, mid: int) -> None:
        """Lets the broker forget a message that came, where `max_unsettled` makes it wait for that."""
        self._client.ack(mid, 1)

    def fileno(self) -> int:
        """The socket's number, to wait for several connections at once; -1 where it is closed."""
        open_socket = self._client.socket()
        return -1 if open_socket is None else open_socket.fileno()

    def close(self) -> None:
        """Says goodbye (DISCONNECT), so that the broker forgets the will. Blocks for two seconds at the most."""
        self._client.disconnect()
        for _ in range(20):
            if any(isinstance(happening, Gone) for happening in self.serve(0.1)):
                return
        self.drop()

    def drop(self) -> None:
        """Hangs up without goodbye."""
        open_socket = self._client.socket()
        if open_socket is not None:
            open_socket.close()
        self._let_go()

    def _let_go(self) -> None:
        """Takes the callbacks off, so that paho's client goes, with its sockets, as soon as we do: no cycle is left."""
        for callback in ("connect", "subscribe", "disconnect", "publish", "message"):
            setattr(self._client, f"on_{callback}", None)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._reason = f"refused: {reason}"
            return
        self._max_inflight = getattr(properties, "ReceiveMaximum", UNLIMITED)
        if self._settings.protocol == 5:  # noqa: PLR2004
            # "As published": a retained command is seen to be one even when it arrives live.
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            client.subscribe([(topic, options) for topic in self._subscriptions])
        else:
            client.subscribe([(topic, 1) for topic in self._subscriptions])

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        granted = zip(self._subscriptions, reasons, strict=False)
        denied = tuple(topic for topic, reason in granted if reason.is_failure)
        self._happened.append(Ready(self._max_inflight, denied))

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        # paho calls a socket that was closed an "unspecified error"; its own error code then says more.
        says_why = flags.is_disconnect_packet_from_server or reason == "Keep alive timeout"
        if self._reason is None and says_why:
            self._reason = str(reason)

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._happened.append(Acked(mid, str(reason) if reason.is_failure else None))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        size = len(message.payload)
        payload = bytes(message.payload) if size <= self._settings.max_payload_bytes else b""
        response = getattr(message.properties, "ResponseTopic", None)
        correlation = getattr(message.properties, "CorrelationData", None)
        reply_to = ReplyTo(response, correlation) if response else None
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # a broker must not pass on such topics, and none of ours looks like that
        mid = message.mid if message.qos else 0
        self._happened.append(Incoming(topic, payload, size, retained=message.retain, reply_to=reply_to, mid=mid))


def _send_at_once(_client: Client, _data: Any, opened: Any) -> None:
    """Small packets shall not wait for company (Nagle's algorithm)."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _leave_it(_client: Client, _data: Any, _socket: Any) -> None:
    """Nothing: `serve` finds what is to be written by itself."""
