"""`latchkey simulate fleet`: a thousand devices in one thread, to try brokers, collectors and databases with.

Each has a connection, an outbox on the disk, a key, and believes only acknowledgements that a collector has signed.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
import random
import selectors
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.mqtt.backoff import Backoff
from agent.mqtt.connection import Acked, Connection, Gone, Outgoing, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.simulate.fleet_device import SimulatedDevice
from agent.simulate.fleet_journal import Journal
from agent.trust.keys import PublicKey, SigningKey

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.02
OPENED_AT_ONCE: Final = 10  # connections begun in one tick
ALL_SERVED_SECONDS: Final = 5.0  # each connection is looked at so often: keepalive, and CONNECTs without an answer
SITE: Final = "fleet"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    devices: int
    rate: float  # events a second, of each
    seconds: float
    drain_seconds: float = 120.0  # for the last acknowledgements
    seed: str = "latchkey"  # of the devices' keys: no secret

    def key(self, number: int) -> SigningKey:
        """Returns a device's key, the same each time."""
        return SigningKey(hashlib.sha256(f"{self.seed}/{number}".encode()).digest())

    def topics(self, number: int) -> Topics:
        """Returns a device's topics."""
        return Topics(SITE, f"d{number:05d}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    decided: int
    sent: int
    repeated: int
    left: int  # not acknowledged in the end
    refused: int
    connections: int
    seconds: float
    deepest: int  # outboxes, all together


class Line:
    """A device's connection: there, on its way, or to be opened again at some time."""

    def __init__(self, device: SimulatedDevice, brokers: Sequence[LinkSettings]) -> None:
        self.device = device
        self.brokers = deque(brokers)
        self.brokers.rotate(-device.number)
        self.connection: Connection | None = None
        self.fileno = -1
        self.ready = False
        self.at = 0.0  # monotonic seconds: of the next attempt, or when this one began
        self.backoff = Backoff(least=0.5, most=10.0, rng=random.Random(device.number))  # noqa: S311  no secret


class Fleet:
    """The devices and their loop.

    Args:
        plan: how many, how fast, how long.
        brokers: each device takes one, and another when it is lost.
        collector: whose acknowledgements are believed.
        journal: the outboxes on the disk.
        told: called about once a second: seconds gone, decided, not acknowledged.
    """

    def __init__(
        self,
        plan: Plan,
        brokers: Sequence[LinkSettings],
        collector: PublicKey,
        journal: Path,
        *,
        told: Callable[[float, int, int], object] = lambda *_: None,
    ) -> None:
        self._plan, self._told = plan, told
        self._journal = Journal(journal)
        self._lines = [self._line(number, brokers, collector) for number in range(plan.devices)]
        self._by_fileno: dict[int, Line] = {}
        self._selector = selectors.DefaultSelector()
        self._decided = self._connections = self._deepest = 0
        self._round = 0  # which lines are served next for their keepalive
        self._remember()

    def run(self) -> Outcome:
        """Decides, sends and listens until all is acknowledged, or the time for that is up."""
        began, told_at = time.monotonic(), 0.0
        until = began + self._plan.seconds
        rng = random.Random(self._plan.seed)  # noqa: S311  no secret
        due = [(began + rng.random() / self._plan.rate, line.device.number) for line in self._lines]
        heapq.heapify(due)
        while (now := time.monotonic()) < until + self._plan.drain_seconds:
            while due and due[0][0] <= now < until:
                at, number = due[0]
                self._journal.add(self._lines[number].device.decide(datetime.now(UTC)))
                self._decided += 1
                heapq.heapreplace(due, (at + 1 / self._plan.rate, number))
            self._journal.commit()
            left = self._tick(now)
            if now - told_at >= 1.0:
                told_at = now
                self._deepest = max(self._deepest, left)
                self._told(now - began, self._decided, left)
            if now >= until and not left:
                break
        return self._outcome(time.monotonic() - began)

    def close(self) -> None:
        """Hangs up."""
        for line in self._lines:
            if line.connection is not None:
                line.connection.drop()
        self._selector.close()
        self._journal.close()

    def _tick(self, now: float) -> int:
        """Serves all connections for a moment; returns how many events are not acknowledged."""
        opened = left = 0
        for line in self._lines:
            left += line.device.depth
            if line.connection is None:
                if now >= line.at and opened < OPENED_AT_ONCE:
                    opened += 1
                    self._open(line)
            elif line.ready and line.device.send(now, self._publisher(line.connection)):
                self._serve(line)
        for key, _ in self._selector.select(TICK_SECONDS):
            self._serve(self._by_fileno[key.fd])
        share = max(1, round(len(self._lines) * TICK_SECONDS / ALL_SERVED_SECONDS))
        for _ in range(share):
            self._round = (self._round + 1) % len(self._lines)
            self._serve(self._lines[self._round])
        return left

    def _serve(self, line: Line) -> None:
        connection, now = line.connection, time.monotonic()
        if connection is None:
            return
        for happening in connection.serve(0.0):
            match happening:
                case Ready():
                    line.ready = True
                    line.backoff.reset()
                case Acked(mid, None):
                    line.device.puback(mid, now)
                case Incoming():
                    line.device.heard(happening.payload)
                case Gone():
                    self._lost(line)
                    return
        silent = not line.ready and now - line.at > line.brokers[0].connect_seconds
        if silent or line.device.stalled(now):
            connection.drop()
            self._lost(line)

    def _open(self, line: Line) -> None:
        settings, device = line.brokers[0], line.device
        name = f"latchkey-{device.topics.site}-{device.topics.device}"
        settings = replace(settings, client_id=name, session_seconds=0)
        connection = Connection(settings, None, client_id=name, will=None, subscriptions=(device.topics.ack,))
        line.at = time.monotonic()
        try:
            connection.open()
        except OSError as error:
            log.debug("%s: %s", name, error)
            self._lost(line)
            return
        line.connection, line.fileno = connection, connection.fileno()
        if line.fileno < 0:
            self._lost(line)
            return
        self._connections += 1
        self._by_fileno[line.fileno] = line
        self._selector.register(line.fileno, selectors.EVENT_READ)

    def _lost(self, line: Line) -> None:
        if line.fileno >= 0:
            self._selector.unregister(line.fileno)
            del self._by_fileno[line.fileno]
        line.connection, line.fileno, line.ready = None, -1, False
        line.device.disconnected()
        line.brokers.rotate(-1)
        line.at = time.monotonic() + line.backoff.next()

    def _publisher(self, connection: Connection) -> Callable[[str, bytes], int | None]:
        return lambda topic, payload: connection.publish(Outgoing(topic, payload))

    def _line(self, number: int, brokers: Sequence[LinkSettings], collector: PublicKey) -> Line:
        plan = self._plan
        device = SimulatedDevice(number, plan.topics(number), plan.key(number), collector, self._journal.done)
        return Line(device, brokers)

    def _remember(self) -> None:
        entries, newest = self._journal.read()
        for line in self._lines:
            number = line.device.number
            line.device.remember([each for each in entries if each.device == number], newest.get(number, 0))

    def _outcome(self, seconds: float) -> Outcome:
        devices = [line.device for line in self._lines]
        return Outcome(
            decided=self._decided,
            sent=sum(device.sent for device in devices),
            repeated=sum(device.repeated for device in devices),
            left=sum(device.depth for device in devices),
            refused=sum(device.refused for device in devices),
            connections=self._connections,
            seconds=round(seconds, 1),
            deepest=self._deepest,
        )
