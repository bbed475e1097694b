"""The other side of the contract: hears what a device says and sends it commands. For the demo, checks and tests."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self

from pydantic import ValidationError

from agent.errors import LatchkeyError
from agent.mqtt.connection import Connection, Gone, Outgoing, Ready
from agent.mqtt.envelope import signed
from agent.mqtt.inbox import Incoming
from agent.mqtt.message import Command
from agent.mqtt.settings import LinkSettings
from agent.mqtt.telemetry import Status
from agent.mqtt.topics import Topics
from agent.mqtt.wire import COMMANDS, Result
from agent.trust.keys import SigningKey

TICK_SECONDS: Final = 0.1


class NoAnswer(LatchkeyError, TimeoutError):
    """The broker or the device did not answer in time."""


class Remote:
    """A client of the broker that listens to one device and commands it.

    `heard` gets every message of the device, results included. It comes back when the broker does; what was said in
    between is lost to it, except with a session (`settings.session_seconds` and a client id). Without a `key` to sign
    with it can only listen: its requests are refused.
    """

    def __init__(self, settings: LinkSettings, topics: Topics, key: SigningKey | None = None) -> None:
        name = settings.client_id or f"remote-{uuid.uuid4().hex[:12]}"
        self._settings = replace(settings, client_id=name)
        self._context = settings.tls.context() if settings.tls else None
        self.topics, self._key = topics, key
        self.heard: SimpleQueue[Incoming] = SimpleQueue()
        self._results: dict[str, SimpleQueue[Result]] = {}
        self._ready = threading.Event()
        self._online = threading.Event()  # the device says so; only then does it hear commands
        self._closing = threading.Event()
        self._connection: Connection | None = None
        self._trouble = "no answer"
        self._thread = threading.Thread(target=self._run, name="mqtt-remote", daemon=True)

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
        """Whether it is connected and hears the device."""
        return self._ready.is_set()

    def wait_ready(self, seconds: float = 10.0) -> None:
        """Waits until it listens.

        Raises:
            NoAnswer: the broker is not there or does not let us in.
        """
        if not self._ready.wait(seconds):
            where = f"{self._settings.host}:{self._settings.port}"
            raise NoAnswer(f"no connection to the broker at {where}: {self._trouble}")

    def request(self, verb: str, *, seconds: float = 10.0, **arguments: Any) -> Result:
        """Sends a command as soon as the device is online, and waits for its result.

        Args:
            verb: which command.
            seconds: how long to wait, in all.
            arguments: fields of the command; `id` is made up where it is missing. Pictures are bytes; the `photos` of
                an enrolment go as parts.

        Raises:
            NoAnswer: no broker, or the device is not online (then nothing was sent), or no result in time.
            pydantic.ValidationError: not a proper command.
        """
        command_id = str(arguments.setdefault("id", uuid.uuid4().hex))
        photos: Sequence[bytes] = arguments.pop("photos", ())
        if photos:
            arguments["parts"] = tuple(hashlib.sha256(photo).hexdigest() for photo in photos)
        body = COMMANDS[verb].model_validate(arguments)
        deadline = time.monotonic() + seconds
        self.wait_ready(seconds)
        if not self._online.wait(max(0.0, deadline - time.monotonic())):
            raise NoAnswer(f"{verb}: not sent, the device was not online within {seconds:g} s")
        answers = self._results.setdefault(command_id, SimpleQueue())
        for number, photo in enumerate(photos, start=1):
            self.send(self.topics.part(verb, command_id, number, len(photos)), photo)
        self.send(self.topics.command(verb), self._signed(verb, body))
        try:
            return answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise NoAnswer(f"{verb}: no result within {seconds:g} s") from None
        finally:
            self._results.pop(command_id, None)

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Sends any message.

        Raises:
            NoAnswer: there is no connection.
        """
        self.wait_ready()
        if self._connection is None or self._connection.publish(Outgoing(topic, payload, retain=retain)) is None:
            raise NoAnswer(f"{topic}: not sent, the connection is lost")

    def _signed(self, verb: str, command: Command) -> bytes:
        """Returns the payload of a command; unsigned without a key."""
        if self._key is None:
            return command.to_json()
        return signed(verb, command, self.topics.targets[0], self._key)

    def _run(self) -> None:
        while not self._closing.is_set():
            connection = Connection(
                self._settings,
                self._context,
                client_id=self._settings.client_id,
                will=None,
                subscriptions=self.topics.news,
            )
            try:
                connection.open()
                self._connection = connection
                self._serve(connection)
            except OSError as error:
                self._trouble = str(error)
            self._ready.clear()
            self._online.clear()
            self._closing.wait(TICK_SECONDS)

    def _serve(self, connection: Connection) -> None:
        while not self._closing.is_set():
            for happening in connection.serve(TICK_SECONDS):
                match happening:
                    case Ready():
                        self._ready.set()
                    case Incoming():
                        self._hear(happening)
                    case Gone():
                        self._trouble = happening.reason
                        return
        connection.close()

    def _hear(self, message: Incoming) -> None:
        if message.topic.endswith("/result"):
            answers = self._results.get(message.topic.split("/")[-2])
            if answers is not None:
                with contextlib.suppress(ValidationError):  # anybody may write there; the real one may still come
                    answers.put(Result.model_validate_json(message.payload))
        if message.topic == self.topics.status:
            self._online.clear()
            with contextlib.suppress(ValidationError):
                if Status.model_validate_json(message.payload).state == "online":
                    self._online.set()
        self.heard.put(message)
