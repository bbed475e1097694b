"""What a collector tells devices: which of their events are in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from agent.fleet.letter import Record
from agent.mqtt.acknowledgement import MOST_RANGES, VERB, EventAck
from agent.mqtt.envelope import signed
from agent.mqtt.topics import Topics
from agent.trust.keys import SigningKey

GATHER_SECONDS: Final = 5.0  # so many events of a device share an acknowledgement; the device waits for a minute
LIFETIME: Final = timedelta(minutes=10)  # of an acknowledgement; one that comes too late is asked for again


class Acks:
    """Gathers what is written down, by device, and signs it. Fed with the time.

    Args:
        key: whose role on the devices is `collector`; None: nothing is acknowledged.
        gather_seconds: how long an acknowledgement waits for others.
    """

    def __init__(self, key: SigningKey | None, *, gather_seconds: float = GATHER_SECONDS) -> None:
        self._key, self._seconds = key, gather_seconds
        self._seqs: dict[tuple[str, str], set[int]] = {}
        self._since: dict[tuple[str, str], float] = {}  # monotonic seconds; in the order in which they are due

    def add(self, records: Iterable[Record], now: float) -> None:
        """These are written down; `now` in monotonic seconds."""
        if self._key is None:
            return
        for record in records:
            device = (record.site, record.device)
            self._seqs.setdefault(device, set()).add(record.seq)
            self._since.setdefault(device, now)

    def due(self, now: float, at: datetime, *, everything: bool = False) -> Iterator[tuple[str, bytes]]:
        """Yields topic and payload of what is to be sent; each that was taken is forgotten when the next is asked for.

        Args:
            now: monotonic seconds.
            at: the time, UTC.
            everything: also what has not waited long.
        """
        while self._key is not None and self._since:
            device, since = next(iter(self._since.items()))
            if not everything and now - since < self._seconds:
                return
            seqs = ranges(self._seqs[device])
            message = EventAck(id=uuid4().hex, not_after=at + LIFETIME, seqs=tuple(seqs[:MOST_RANGES]))
            topics = Topics(*device)
            yield topics.ack, signed(VERB, message, topics.targets[0], self._key, now=at)
            left = seqs[MOST_RANGES:]
            del self._since[device], self._seqs[device]
            if left:
                self._seqs[device] = {seq for first, last in left for seq in range(first, last + 1)}
                self._since[device] = since

    @property
    def waiting(self) -> int:
        """Events that are written down and not acknowledged yet."""
        return sum(map(len, self._seqs.values()))


def ranges(seqs: Iterable[int]) -> list[tuple[int, int]]:
    """Returns numbers as ranges: first and last of each, in order."""
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found
