"""The outbox of a device: what empties it, on the word of the broker or of a collector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from agent.errors import StoreError, StoreFull
from agent.mqtt.acknowledgement import Acknowledgements
from agent.mqtt.admission import Admission
from agent.mqtt.link import Link
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.resending import RESEND_SECONDS, Resending
from agent.store import events
from agent.store.db import Db
from agent.types import Event
from agent.write import Write


class Outbox:
    """A publisher, and what marks events as sent.

    Args:
        link: to the broker.
        db: to read, by the publisher's thread.
        write: to mark.
        boot_id: of this start.
        acknowledged: whether a collector's word is wanted, and not only the broker's.
    """

    def __init__(self, link: Link, db: Db, write: Write, boot_id: str, *, acknowledged: bool) -> None:
        self._db, self._write = db, write
        unsent = events.unpublished if acknowledged else events.unsent
        self.publisher = OutboxPublisher(
            link,
            unsent=lambda *, after, limit: unsent(db, after=after, limit=limit),
            mark_sent=self._published if acknowledged else self._sent,
            boot_id=boot_id,
            resending=Resending(self._overdue) if acknowledged else None,
        )

    def acknowledgements(self, admission: Admission, db: Db) -> Acknowledgements:
        """Returns what takes a collector's word.

        Args:
            admission: lets collectors in.
            db: to read, by the thread that takes it.
        """
        return Acknowledgements(
            admission,
            newest=lambda: events.newest(db),
            mark=self._acknowledged,
            taken=self.publisher.acknowledged,
        )

    def _overdue(self, limit: int) -> Sequence[Event]:
        now = datetime.now(UTC)
        return events.unacknowledged(self._db, now - timedelta(seconds=RESEND_SECONDS), now, limit=limit)

    def _sent(self, seqs: Sequence[int]) -> None:
        done = list(seqs)
        self._mark(lambda db: events.mark_sent(db, done, datetime.now(UTC)))

    def _published(self, seqs: Sequence[int]) -> None:
        done = list(seqs)
        self._mark(lambda db: events.mark_published(db, done, datetime.now(UTC)))

    def _acknowledged(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._mark(lambda db: events.mark_acknowledged(db, ranges, datetime.now(UTC)))

    def _mark(self, change: Callable[[Db], object]) -> None:
        try:
            self._write(change)
        except StoreError as error:  # such as another program that keeps it locked: as good as full, and tried again
            raise StoreFull(str(error)) from error
