"""The other side of the contract, for one device: hears what it says and sends it commands. For the demo and tests.

`agent.client` is what administers: many devices, keys in files, signatures checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from agent.errors import NoAnswer
from agent.mqtt.envelope import signed
from agent.mqtt.inbox import Incoming
from agent.mqtt.line import Line
from agent.mqtt.message import Code, Command
from agent.mqtt.settings import LinkSettings
from agent.mqtt.telemetry import Status
from agent.mqtt.topics import Topics
from agent.mqtt.wire import COMMANDS, Result
from agent.trust.keys import SigningKey

__all__ = ["NoAnswer", "Remote"]


class Remote:
    """A client of the broker that listens to one device and commands it.

    `heard` gets every message of the device, results included. It comes back when the broker does. Without a `key` to
    sign with it can only listen: its requests are refused.
    """

    def __init__(self, settings: LinkSettings, topics: Topics, key: SigningKey | None = None) -> None:
        self.topics, self._key = topics, key
        self.heard: SimpleQueue[Incoming] = SimpleQueue()
        self._results: dict[str, SimpleQueue[Result]] = {}
        self._online = threading.Event()  # the device says so; only then does it hear commands
        self._line = Line(settings, topics.news, self._hear, lost=self._online.clear)

    def __enter__(self) -> Self:
        self._line.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    @property
    def listening(self) -> bool:
        """Whether it is connected and hears the device."""
        return self._line.listening

    def wait_ready(self, seconds: float = 10.0) -> None:
        """Waits until it listens.

        Raises:
            NoAnswer: the broker is not there or does not let us in.
        """
        self._line.wait_ready(seconds)

    def request(
        self, verb: str, *, seconds: float = 10.0, fields: Mapping[str, Any] | None = None, **arguments: Any
    ) -> Result:
        """Sends a command as soon as the device is online, and waits for its result.

        Args:
            verb: which command.
            seconds: how long to wait, in all.
            fields: more fields of the command, also those that are called as something here, such as `seconds`.
            arguments: fields of the command; `id` is made up where it is missing. Pictures are bytes; the `photos` of
                an enrolment go as parts.

        Raises:
            NoAnswer: no broker, or the device is not online (then nothing was sent), or no result in time.
            pydantic.ValidationError: not a proper command.
        """
        arguments |= fields or {}
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
            return self._answer(answers, deadline)
        except Empty:
            raise NoAnswer(f"{verb}: no result within {seconds:g} s") from None
        finally:
            self._results.pop(command_id, None)

    @staticmethod
    def _answer(answers: SimpleQueue[Result], deadline: float) -> Result:
        """Returns the answer to the command, or why a part of it is missing.

        Anybody may send bad parts and have them refused: that says nothing of the command.
        """
        refused = None
        while (answer := answers.get(timeout=max(0.0, deadline - time.monotonic()))).part is not None:
            refused = answer
        return refused if refused is not None and answer.code is Code.PARTS_MISSING else answer

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Sends any message.

        Raises:
            NoAnswer: there is no connection.
        """
        self._line.send(topic, payload, retain=retain)

    def _signed(self, verb: str, command: Command) -> bytes:
        """Returns the payload of a command; unsigned without a key."""
        if self._key is None:
            return command.to_json()
        return signed(verb, command, self.topics.targets[0], self._key)

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
