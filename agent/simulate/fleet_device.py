"""One simulated device: decides, keeps what it decided, sends it signed, and lets go when a collector says so.

The rules are those of a terminal: an event is on the disk before it is sent, at most a window is in flight, a lost
connection sends it again, and so does a missing acknowledgement, in the rounds of `agent.mqtt.resending`.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ulid import ULID

from agent.attendance.punch import Clock
from agent.mqtt.acknowledgement import Acknowledgements
from agent.mqtt.admission import Admission
from agent.mqtt.outlet import STALLED_SECONDS
from agent.mqtt.resending import RESEND_SECONDS, Resending
from agent.mqtt.telemetry import event_body
from agent.mqtt.topics import Topics
from agent.simulate.fleet_journal import Entry
from agent.trust.keys import Admin, PublicKey, SigningKey, packed
from agent.trust.roles import Role
from agent.trust.statement import SIGNATURE, news_text
from agent.types import Event

WINDOW: Final = 20  # in flight; what Mosquitto allows without being told otherwise
_SEEN: Final[Mapping[str, Any]] = {
    "repeat": False, "shown": ["face"], "companion": None, "schedule": None, "margin": 0.2, "threshold": 0.52,
    "shots": 3, "agreeing": 3, "camera": "simulated", "track": 4, "latency_ms": 84.0, "detail": "simulated",
    "quality": {"face_px": 120.0, "sharpness": 80.0, "yaw": 0.1, "exposure": 120.0, "contrast": 40.0},
    "model": "latchkey-encoder-1-00000000", "clock": "synchronised", "outcome": "granted", "reason": "match",
}  # fmt: skip


class SimulatedDevice:
    """A device.

    Args:
        number: from 0; names it.
        topics: its own.
        key: what it signs with.
        collector: whose acknowledgements it believes.
        done: told of each seq that was acknowledged.
    """

    def __init__(
        self, number: int, topics: Topics, key: SigningKey, collector: PublicKey, done: Callable[[int, int], object]
    ) -> None:
        self.number, self.topics = number, topics
        self.seq = 0
        self.sent = self.repeated = 0
        self._key, self._done = key, done
        self._kept: dict[int, Event] = {}  # not acknowledged; in order
        self._ahead: deque[int] = deque()  # to be sent
        self._inflight: dict[int, int] = {}  # message id to seq
        self._published: dict[int, float] = {}  # seq to monotonic seconds; the longest ago first
        self._now = self._progress = 0.0
        self._resending = Resending(self._overdue, rng=random.Random(number))  # noqa: S311  no secret
        admins = {collector.id: Admin(collector, "collector", Role.COLLECTOR)}
        self._acks = Acknowledgements(
            Admission(lambda: topics.targets, admins.get, lambda: Clock.SYNCHRONISED),
            newest=lambda: self.seq,
            mark=self._acknowledged,
            taken=lambda: self._resending.acknowledged(self._now),
        )

    @property
    def depth(self) -> int:
        """Events that nobody has acknowledged."""
        return len(self._kept)

    @property
    def refused(self) -> int:
        """Acknowledgements that were not believed."""
        return self._acks.refused

    def remember(self, entries: Sequence[Entry], newest: int) -> None:
        """What an earlier simulation left: it goes out first."""
        for entry in entries:
            self._keep(Event(entry.id, entry.seq, "access", entry.at, "b0", self._body()))
        self.seq = newest

    def decide(self, at: datetime) -> Entry:
        """Returns a new event, which is to be on the disk before `send`."""
        self.seq += 1
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        event = Event(str(ULID.from_datetime(at)), self.seq, "access", at, "b1", self._body())
        self._keep(event)
        return Entry(self.number, event.seq, event.id, at)

    def send(self, now: float, publish: Callable[[str, bytes], int | None]) -> bool:
        """Sends what there is room for; whether anything was sent.

        Args:
            now: monotonic seconds.
            publish: returns the message's id, None where it was not taken.
        """
        self._now = now
        if not self._ahead:
            self._ahead.extend(event.seq for event in self._resending.round(now))
        sent = False
        while self._ahead and len(self._inflight) < WINDOW:
            event = self._kept.get(self._ahead[0])
            if event is not None and event.seq not in self._inflight.values():
                mid = publish(self.topics.event(event.kind), self._payload(event))
                if mid is None:
                    return sent
                self._progress = self._progress if self._inflight else now
                self._inflight[mid] = event.seq
                sent = True
                self.sent += 1
                self.repeated += event.seq in self._published
            self._ahead.popleft()
        return sent

    def puback(self, mid: int, now: float) -> None:
        """The broker has it."""
        self._progress = now
        seq = self._inflight.pop(mid, None)
        if seq in self._kept:
            self._published.pop(seq, None)
            self._published[seq] = now

    def stalled(self, now: float) -> bool:
        """Whether the broker has long acknowledged nothing of what is in flight."""
        return bool(self._inflight) and now - self._progress > STALLED_SECONDS

    def disconnected(self) -> None:
        """What was in flight is sent again, in its order, before the rest."""
        waiting = {*self._inflight.values(), *self._ahead} - self._published.keys()
        self._inflight.clear()
        self._ahead = deque(sorted(seq for seq in waiting if seq in self._kept))

    def heard(self, payload: bytes) -> bool:
        """Takes an acknowledgement; whether it was believed."""
        return self._acks.take(payload)

    def _keep(self, event: Event) -> None:
        self._kept[event.seq] = event
        self._ahead.append(event.seq)

    def _acknowledged(self, ranges: Sequence[tuple[int, int]]) -> None:
        for first, last in ranges:
            for seq in range(first, last + 1):
                if self._kept.pop(seq, None) is not None:
                    self._published.pop(seq, None)
                    self._done(self.number, seq)

    def _overdue(self, limit: int) -> list[Event]:
        found: list[Event] = []
        for seq, at in self._published.items():
            if at > self._now - RESEND_SECONDS or len(found) == limit:
                break
            found.append(self._kept[seq])
        return found

    def _body(self) -> dict[str, Any]:
        person = f"p{(self.number * 7 + self.seq) % 1000:04d}"
        return {**_SEEN, "person": person, "second": None, "similarity": 0.72}

    def _payload(self, event: Event) -> bytes:
        historical = event.boot_id != "b1" or (datetime.now(UTC) - event.at).total_seconds() > 60  # noqa: PLR2004
        body = event_body(event, site=self.topics.site, device=self.topics.device, historical=historical)
        topic = self.topics.event(event.kind)
        body[SIGNATURE] = packed(self._key.sign(news_text(topic, body)))
        return json.dumps(body, separators=(",", ":")).encode()
