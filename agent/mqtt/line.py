"""A client's line to the broker: put up again when it breaks. What `agent.mqtt.link` is to a device."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from agent.errors import NoAnswer
from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import Acked, Connection, Gone, Outgoing, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings

TICK_SECONDS: Final = 0.1
STEADY_SECONDS: Final = 5.0  # a connection that lasted this long was a success
LONGEST_WAIT_SECONDS: Final = 5.0  # between two attempts: somebody sits there and waits
_HUNG_UP: Final = ": a broker hangs up on who comes without TLS, or without a certificate that it takes"


class Line:
    """A connection of somebody outside: hears topics, sends messages. A context.

    What is said while there is no connection is lost to it, except with a session (`settings.session_seconds` and a
    client id).

    Args:
        settings: how to reach the broker; without a client id one is made up.
        topics: what to listen to.
        heard: told of every message, in the line's own thread.
        lost: told when the connection is gone, in the same thread.
        refused: told of a message that the broker did not take (MQTT 5): its topic, and why. In the same thread.

    Raises:
        ConfigError: a TLS file cannot be used.
    """

    def __init__(
        self,
        settings: LinkSettings,
        topics: Sequence[str],
        heard: Callable[[Incoming], object],
        *,
        lost: Callable[[], object] = lambda: None,
        refused: Callable[[str, str], object] = lambda _topic, _why: None,
    ) -> None:
        self._settings = replace(settings, client_id=settings.client_id or f"remote-{uuid.uuid4().hex[:12]}")
        self._context = settings.tls.context() if settings.tls else None
        self._topics, self._heard, self._lost, self._refused = tuple(topics), heard, lost, refused
        self.denied: tuple[str, ...] = ()  # topics that the broker does not let us listen to
        self.epoch = 0  # of the connection: they are counted
        self._room = threading.Condition()
        self._in_flight: dict[int, str] = {}  # topics, by the id of the message
        self._most = 1
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._connection: Connection | None = None
        self._trouble = "no answer"
        self._thread = threading.Thread(target=self._run, name="mqtt-line", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.connect_seconds + 1.0)

    @property
    def listening(self) -> bool:
        """Whether it is connected, and hears."""
        return self._ready.is_set()

    def wait_ready(self, seconds: float = 10.0) -> None:
        """Waits until it listens.

        Raises:
            NoAnswer: the broker is not there or does not let us in.
        """
        if not self._ready.wait(seconds):
            where = f"{self._settings.host}:{self._settings.port}"
            raise NoAnswer(f"no connection to the broker at {where}: {self._trouble}")

    def send(self, topic: str, payload: bytes, *, retain: bool = False, seconds: float = 10.0) -> None:
        """Sends a message, as soon as there is a connection and the broker takes more.

        Raises:
            NoAnswer: there was none within this time, or it broke.
        """
        deadline = time.monotonic() + seconds
        self.wait_ready(seconds)
        with self._room:
            epoch, connection = self.epoch, self._connection
            room = self._room.wait_for(
                lambda: len(self._in_flight) < self._most or self.epoch != epoch, max(0.0, deadline - time.monotonic())
            )
            mid = None
            if room and self.epoch == epoch and connection is not None:
                mid = connection.publish(Outgoing(topic, payload, retain=retain))
            if mid is None:
                raise NoAnswer(f"{topic}: not sent, the connection is {'lost' if room else 'stuck'}")
            self._in_flight[mid] = topic

    def wait_taken(self, seconds: float = 10.0) -> None:
        """Waits until the broker has taken all that was sent.

        Raises:
            NoAnswer: it has not within this time, or the connection broke.
        """
        with self._room:
            epoch = self.epoch
            taken = self._room.wait_for(lambda: not self._in_flight or self.epoch != epoch, seconds)
        if not taken or self.epoch != epoch:
            raise NoAnswer(f"the broker has not taken all that was sent within {seconds:g} s")

    def _run(self) -> None:
        most = min(LONGEST_WAIT_SECONDS, self._settings.reconnect_max_seconds)
        backoff = Backoff(least=TICK_SECONDS, most=max(TICK_SECONDS, most))
        while not self._closing.is_set():
            connection = Connection(
                self._settings,
                self._context,
                client_id=self._settings.client_id,
                will=None,
                subscriptions=self._topics,
            )
            began = time.monotonic()
            try:
                connection.open()
                self._serve(connection)
            except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be a host's
                self._trouble = _words(error)
            if self.listening and time.monotonic() - began > STEADY_SECONDS:
                backoff.reset()
            self._hang_up()
            self._closing.wait(backoff.next())

    def _serve(self, connection: Connection) -> None:
        while not self._closing.is_set():
            for happening in connection.serve(TICK_SECONDS):
                match happening:
                    case Ready():
                        self._opened(connection, happening)
                    case Incoming():
                        self._heard(happening)
                    case Acked():
                        self._acked(happening)
                    case Gone():
                        self._trouble = happening.reason if self._ready.is_set() else f"{happening.reason}{_HUNG_UP}"
                        return
        connection.close()

    def _opened(self, connection: Connection, ready: Ready) -> None:
        self.denied = ready.denied
        with self._room:
            self._connection = connection
            self._in_flight, self._most = {}, min(self._settings.max_inflight, ready.max_inflight)
            self.epoch += 1
            self._room.notify_all()
        self._ready.set()

    def _acked(self, acked: Acked) -> None:
        with self._room:
            topic = self._in_flight.pop(acked.mid, "")
            self._room.notify_all()
        if acked.refused is not None:
            self._refused(topic, acked.refused)

    def _hang_up(self) -> None:
        self._ready.clear()
        with self._room:
            self._connection = None
            self.epoch += 1
            self._room.notify_all()
        self._lost()


def _words(error: OSError | UnicodeError) -> str:
    """What kept us from the broker, and what to look at."""
    match error:
        case ConnectionRefusedError():
            return "nothing listens there: is the broker started, and is this its port?"
        case socket.gaierror():
            return "no machine is known by that name"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not believed: {error.verify_message}"
        case ssl.SSLError():
            return f"no TLS with what listens there ({error.reason or error}): is this its port for TLS?"
        case TimeoutError():
            return "no answer: is the machine on, and does a firewall let us through?"
        case OSError() if error.strerror:
            return error.strerror
    return str(error)
