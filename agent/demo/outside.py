"""The demo's end of the outside subscriber: starts it, and keeps what it heard."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent.demo.broker import Broker
from agent.errors import HardwareError
from agent.mqtt.topics import Topics

READY_SECONDS = 20.0


class Outside:
    """What arrived at a subscriber in another process."""

    def __init__(self, process: subprocess.Popen[str], heard: Callable[[str, dict[str, Any]], None]) -> None:
        self.events: list[dict[str, Any]] = []
        self._process, self._heard = process, heard
        self._ready = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="outside", daemon=True)
        self._thread.start()

    def wait_ready(self) -> None:
        """Waits until it listens.

        Raises:
            HardwareError: it does not.
        """
        if not self._ready.wait(READY_SECONDS):
            raise HardwareError(f"the demo's subscriber does not listen after {READY_SECONDS:g} s")

    def wait_for(self, seqs: set[int], seconds: float) -> bool:
        """Returns whether all these events have arrived, after waiting for them at most so long."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: seqs <= self.seqs, max(0.0, deadline - time.monotonic()))

    @property
    def seqs(self) -> set[int]:
        """The numbers of the events that arrived."""
        return {int(event["seq"]) for event in self.events}

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            message = json.loads(line)
            if "ready" in message:
                self._ready.set()
                continue
            self._heard(message["topic"], message["body"])
            if "/event/" in message["topic"]:
                with self._changed:
                    self.events.append(message["body"])
                    self._changed.notify_all()


@contextmanager
def outside(broker: Broker, topics: Topics, heard: Callable[[str, dict[str, Any]], None]) -> Iterator[Outside]:
    """Runs the subscriber for as long as the context lasts.

    Args:
        broker: to listen at.
        topics: of the device to listen to.
        heard: told of every message, topic and body, from a thread of this class.
    """
    command = [sys.executable, "-m", "agent.demo.listen"]
    command += [str(broker.port), str(broker.protocol), topics.site, topics.device]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Outside(process, heard)
    finally:
        process.terminate()
        process.wait(5)
