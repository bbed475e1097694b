"""The link to the broker: keeps a connection up, says who we are, carries messages both ways.

    ┌─────────┐ open fails: back off   ┌────────────┐ CONNACK, SUBACK ┌────────┐ close() ┌─────────┐
    │ waiting │ ◄───────────────────── │ connecting │ ──────────────► │ online │ ──────► │ stopped │
    └─────────┘ ─────────────────────► └────────────┘                 └────────┘         └─────────┘
         ▲            time is up                 connection lost           │
         └─────────────────────────────────────────────────────────────────┘

Online: retained `status` says "online" (after the subscriptions are granted: who sees it may send commands), then
other state, then answers, then events, never more than the window in flight.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Literal

from agent.mqtt.arrivals import Arrivals
from agent.mqtt.backoff import Backoff
from agent.mqtt.complaints import Complaints
from agent.mqtt.connection import Acked, Connection, Gone, Happening, Outgoing, Ready
from agent.mqtt.inbox import Inbox, Incoming
from agent.mqtt.message import MAX_WAITING_BYTES
from agent.mqtt.outlet import Outlet
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer
from agent.mqtt.telemetry import DoorState, Health, Status
from agent.mqtt.topics import Topics
from agent.runtime import Worker

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25  # how long one step may take once connected
STEADY_SECONDS: Final = 5.0  # a connection that lasted this long was a success


@dataclass(frozen=True, slots=True)
class Ack:
    """News for the publisher: an event was taken or `refused`; without `seq`: look again."""

    seq: int | None = None
    refused: str | None = None


def raise_again(error: BaseException) -> None:
    """Lets an unexpected error go on its way."""
    raise error


class Link:
    """The link to the broker.

    Boot id (new with every start), version and model (id of the encoder) are told in `status`. Without a `signer`
    nothing is signed.

    Raises:
        ConfigError: a TLS file cannot be used.
    """

    def __init__(
        self,
        settings: LinkSettings,
        topics: Topics,
        *,
        boot_id: str,
        version: str,
        model: str,
        signer: Signer | None = None,
    ) -> None:
        self.inbox = Inbox(max_bytes=max(MAX_WAITING_BYTES, settings.max_payload_bytes))
        self._arrivals = Arrivals(topics, self.inbox)
        self.acks: SimpleQueue[Ack] = SimpleQueue()  # bounded by what is in flight
        self._signer = signer
        self._settings = settings
        self._context = settings.tls.context() if settings.tls else None
        self._identity = {"boot_id": boot_id, "version": version, "model": model}
        self._backoff = Backoff(least=settings.reconnect_min_seconds, most=settings.reconnect_max_seconds)
        self._outlet = Outlet()
        self._connection: Connection | None = None  # of this thread; the outlet has it once it is ready
        self._at = 0.0  # monotonic seconds: the next attempt, or when the connection began
        self._complaints = Complaints()
        self._closing = threading.Event()
        self._worker: Worker | None = None
        self.send(self._status("online"))  # the first of the retained state, on every connection

    def start(self, crashed: Callable[[BaseException], None] = raise_again) -> None:
        """Begins to connect, in a thread of its own; returns at once, whether or not there is a broker.

        Args:
            crashed: told of an unexpected error, which ends the thread; without it the error goes to threading's hook.
        """
        patience = self._settings.connect_seconds + 2 * self._settings.keepalive_seconds  # paho's limit of a handshake
        self._worker = Worker("mqtt", self.step, crashed=crashed, patience_seconds=patience)
        self._worker.start()

    def listen(self, devices: Iterable[str], heard: Callable[[Incoming | None], object]) -> None:
        """Listens to other devices of the site from now on, and to those alone. Connects anew for others."""
        self._arrivals.listen(devices, heard)

    def regroup(self, groups: tuple[str, ...]) -> None:
        """Takes commands to these groups of devices from now on, and to those alone. Connects anew for others."""
        self._arrivals.regroup(groups)

    @property
    def topics(self) -> Topics:
        """Of the device, with the groups that it is in now."""
        return self._arrivals.topics

    @property
    def alive(self) -> bool:
        """Whether its thread makes progress, with or without a broker."""
        return self._worker is None or self._worker.alive

    @property
    def connected(self) -> bool:
        """Whether the broker is there, has let us in and takes messages."""
        return self._outlet.is_open

    @property
    def epoch(self) -> int:
        """Which connection it is, counted from 1; 0 before the first."""
        return self._outlet.epoch

    def wait_connected(self, seconds: float) -> bool:
        """Waits until connected; whether it is."""
        return self._outlet.wait_open(seconds)

    def publish(self, topic: str, payload: bytes, *, seq: int, epoch: int) -> bool:
        """Sends an event, whose `seq` comes back in `acks` when the broker has it. False where too many wait already.

        On another connection than that of `epoch` it is not sent, so that those lost with the old one can go first.
        """
        return self._outlet.send_event(self._signed(Outgoing(topic, payload, seq=seq)), epoch)

    def send(self, message: Outgoing) -> None:
        """Sends retained state or an answer, now or when the broker is back."""
        self._outlet.send(self._signed(message))

    def publish_health(self, body: Health) -> None:
        """Sets the retained `health`."""
        self.send(Outgoing(self.topics.health, body.to_json(), retain=True))

    def publish_door_state(self, body: DoorState) -> None:
        """Sets the retained `state/door`."""
        self.send(Outgoing(self.topics.door, body.to_json(), retain=True))

    def close(self, seconds: float = 3.0) -> None:
        """Says "stopped", waits a little for what is owed to be acknowledged, and hangs up."""
        if self._closing.is_set():
            return
        if self.connected:
            self.send(self._status("stopped"))
            self._outlet.wait_settled(seconds)
        self._closing.set()
        if self._worker is not None:
            self._worker.stop(self._settings.connect_seconds + seconds)
        if self._connection is not None:
            self._connection.close()
        self._outlet.shut()

    def step(self) -> None:
        """Connects when it is time, or serves the connection for a moment."""
        if self._connection is not None:
            self._serve(self._connection)
        elif (wait := self._at - time.monotonic()) > 0:
            self._closing.wait(min(wait, TICK_SECONDS))
        else:
            self._connect()

    def _connect(self) -> None:
        settings = self._settings
        connection = Connection(
            settings,
            self._context,
            client_id=settings.client_id or f"latchkey-{self.topics.site}-{self.topics.device}",
            will=self._signed(self._status("offline")),
            subscriptions=self._arrivals.begin(),
        )
        self._at = time.monotonic()
        try:
            connection.open()
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be a host's
            self._lost(f"cannot connect to {settings.host}:{settings.port}: {error}")
            return
        self._at = time.monotonic()
        self._connection = connection

    def _serve(self, connection: Connection) -> None:
        if self._arrivals.others.is_set():
            connection.close()
            self._lost("listening to others from now on", wait=False)
            return
        for each in connection.serve(TICK_SECONDS):
            self._happened(connection, each)
        silent = not self.connected and time.monotonic() - self._at > self._settings.connect_seconds
        if silent or self._outlet.stalled:
            connection.drop()
            self._lost("no answer to CONNECT" if silent else "what was sent is not acknowledged")

    def _happened(self, connection: Connection, happening: Happening) -> None:
        match happening:
            case Ready():
                self._ready(connection, happening)
            case Acked():
                self._acked(happening)
            case Incoming():
                if (answer := self._arrivals.take(happening)) is not None:
                    self.send(answer)
            case Gone():
                self._lost(happening.reason)

    def _ready(self, connection: Connection, ready: Ready) -> None:
        logger.info("MQTT connected: %s:%d", self._settings.host, self._settings.port)
        if ready.denied:
            self._complaints.add(f"the broker does not let us listen to {', '.join(ready.denied)}")
        self._outlet.open(connection, min(self._settings.max_inflight, ready.max_inflight))
        self.acks.put(Ack())

    def _acked(self, acked: Acked) -> None:
        message = self._outlet.acked(acked.mid)
        if message is None:
            return
        if acked.refused:
            self._complaints.add(f"the broker refuses {message.topic}: {acked.refused}")
        if message.seq is not None:
            self.acks.put(Ack(message.seq, acked.refused))

    def _lost(self, reason: str, *, wait: bool = True) -> None:
        now = time.monotonic()
        if self.connected and now - self._at > STEADY_SECONDS:
            self._backoff.reset()
            self._complaints.forget()
        if wait:
            self._complaints.add(f"connection lost: {reason}" if self.connected else reason)
        self._connection = None
        self._at = now + self._backoff.next() if wait else now
        self._outlet.shut()

    def _signed(self, message: Outgoing) -> Outgoing:
        return self._signer.signed(message) if self._signer else message

    def _status(self, state: Literal["online", "offline", "stopped"]) -> Outgoing:
        body = Status(state=state, groups=self.topics.groups, **self._identity)
        return Outgoing(self.topics.status, body.to_json(), retain=True)
