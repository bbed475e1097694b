"""The collector: takes messages from a broker, writes them down in batches, only then lets go of them.

    take ──► read, check signatures ──► one transaction ──► settle (the broker forgets) ──► acknowledge (devices forget)

At most `MOST` messages are under way: the broker sends no more. While the database is away nothing is settled; the
connection to the broker is served, the same batch is tried again and again. Where the broker is away, the source
connects again; what was not settled comes again, to this collector or another.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from agent.fleet import quarantine
from agent.fleet.acks import Acks
from agent.fleet.database import DatabaseAway, Pg, connect
from agent.fleet.keys import Keyring
from agent.fleet.letter import Doubt, Letter, read
from agent.fleet.source import Delivery, Source
from agent.fleet.writer import Writer, Written
from agent.mqtt.backoff import Backoff

logger = logging.getLogger(__name__)

BATCH: Final = 500  # messages in one transaction
MOST: Final = 1000  # under way: two batches
LINGER_SECONDS: Final = 0.05  # how long the first of a batch waits for others
IDLE_SECONDS: Final = 0.2


@dataclass(slots=True)
class Totals:
    """What a collector has done since its start."""

    taken: int = 0
    new: int = 0
    repeated: int = 0
    batches: int = 0
    acknowledgements: int = 0
    database_lost: int = 0
    doubts: Counter[str] = field(default_factory=Counter)

    def count(self, letters: Sequence[Letter], written: Written) -> None:
        """A batch was written."""
        self.batches += 1
        self.taken += len(letters)
        self.new += written.new
        self.repeated += len(written.records) - written.new
        self.doubts += quarantine.by_reason([each for each in letters if isinstance(each, Doubt)])


class Database:
    """A connection that is opened when it is needed, and anew after it was lost.

    Args:
        url: where it is.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pg: Pg | None = None

    def __call__(self) -> Pg:
        """Returns the connection.

        Raises:
            DatabaseAway: there is none.
        """
        if self._pg is None or self._pg.closed:
            self._pg = connect(self._url)
        return self._pg

    def drop(self) -> None:
        """Forgets the connection."""
        if self._pg is not None:
            self._pg.close()
        self._pg = None


class Collector:
    """A worker's step.

    Args:
        source: the broker.
        database: where to write.
        acks: what devices are told.
        now: the time, UTC.
        backoff: of looks at a database that is away.
    """

    def __init__(
        self,
        source: Source,
        database: Database,
        acks: Acks,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: Backoff | None = None,
    ) -> None:
        self.totals = Totals()
        self._source, self._database, self._acks, self._now = source, database, acks, now
        self._keyring = Keyring(database)
        self._writer = Writer(database)
        self._backoff = backoff or Backoff(least=0.2, most=5.0)
        self._batch: list[Delivery] = []
        self._since = 0.0  # monotonic seconds: when the first of the batch came
        self._try_at = 0.0  # monotonic seconds: not before, the database is away

    def step(self) -> None:
        """Takes what there is; writes when there is enough, or when it has waited; sends acknowledgements."""
        now = time.monotonic()
        away = now < self._try_at
        seconds = IDLE_SECONDS if away or not self._batch else max(0.0, self._since + LINGER_SECONDS - now)
        taken = self._source.take(seconds, 0 if away else BATCH - len(self._batch))
        if taken and not self._batch:
            self._since = time.monotonic()
        self._batch.extend(taken)
        now = time.monotonic()
        ripe = len(self._batch) >= BATCH or now >= self._since + LINGER_SECONDS
        if self._batch and ripe and now >= self._try_at:
            self._write(now)
        self._acknowledge()

    def finish(self) -> None:
        """Writes and acknowledges what was taken, once: the rest goes to another collector."""
        self._try_at = 0.0
        if self._batch:
            self._write(time.monotonic())
        self._acknowledge(everything=True)
        self._source.take(0.0, 0)
        self._database.drop()

    def _write(self, now: float) -> None:
        try:
            self._keyring.refresh()
            letters = [read(delivery, self._keyring) for delivery in self._batch]
            written = self._writer.write(letters)
        except DatabaseAway as error:
            if not self._try_at:
                logger.warning("%s; nothing more is taken from the broker until it does", error)
                self.totals.database_lost += 1
            self._database.drop()
            self._try_at = now + self._backoff.next()
            return
        if self._try_at:
            logger.warning("the database is back")
            self._try_at = 0.0
        self._backoff.reset()
        self._source.settle(self._batch)
        self._batch = []
        self._acks.add(written.records, time.monotonic())
        self.totals.count(letters, written)

    def _acknowledge(self, *, everything: bool = False) -> None:
        for topic, payload in self._acks.due(time.monotonic(), self._now(), everything=everything):
            if not self._source.send(topic, payload):
                return  # asked for again: it is not forgotten
            self.totals.acknowledgements += 1


def read_again(database: Database, site: str | None, device: str | None) -> Written:
    """Looks once more at what was put aside of devices that were not known; returns what was written down.

    Raises:
        DatabaseAway: some of it may have been written; it can be tried again.
    """
    keyring, writer, done = Keyring(database), Writer(database), Written()
    keyring.refresh()
    for lot in quarantine.again(database(), site, device):
        letters = [read(delivery, keyring) for delivery in lot]
        good = [(each, letter) for each, letter in zip(lot, letters, strict=True) if not isinstance(letter, Doubt)]
        done += writer.write([letter for _, letter in good])
        quarantine.take_out(database(), [delivery for delivery, _ in good])
    return done
