"""The device's side of the roster: hears how much there is, pulls what is new page by page, and puts it in force."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from agent.errors import StoreError
from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings
from agent.roster.line import Line
from agent.roster.messages import MOST_PAGE_BYTES, Head, Page, Pull
from agent.roster.taking import Taken, Taking
from agent.roster.topics import RosterTopics
from agent.store import admins, roster
from agent.store.db import Db
from agent.trust.statement import read_json
from agent.write import Write

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 10.0  # for a page; asked again after that
START_OVER_SECONDS: Final = 3600.0  # between two readings of everything, where what is held does not fit the head
HOLD_SECONDS: Final = 10.0  # before trying again where the disk is full or the head is refused
PAGE_ROWS: Final = 50  # so that events do not wait long behind a page
AGAIN_SECONDS: Final = 3600.0  # between two tries of what is not in force


class Puller:
    """A worker.

    Args:
        settings: how to reach the broker.
        site: of the device.
        device: its name.
        taking: puts pages in force.
        write: has changes made, by whoever may write.
        db: to read, by the worker alone.
        changed: told when people or rules are others.
        now: the time, UTC.
    """

    def __init__(
        self,
        settings: LinkSettings,
        site: str,
        device: str,
        *,
        taking: Taking,
        write: Write,
        db: Db,
        changed: Callable[[], object] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._topics, self._device = RosterTopics(site), device
        self._taking, self._write, self._db, self._changed, self._now = taking, write, db, changed, now
        own = replace(
            settings,
            client_id=f"{settings.client_id}-roster" if settings.client_id else f"latchkey-{site}-@{device}",
            session_seconds=0,
            max_payload_bytes=2 * MOST_PAGE_BYTES,
        )
        self._line = Line(own, (self._topics.head, self._topics.page(device)), self._hear, ready=self._forget)
        self._asked: str | None = None  # id of the pull that is waited for
        self._asked_at = self._hold_until = 0.0  # monotonic seconds
        self._head: Head | None = None
        self._doubted: Incoming | None = None  # the last head that was not believed
        self._admins = -1  # how many were known when all was tried again
        self._again_after = ""  # name of the last object that was tried again
        self._again_at = 0.0  # monotonic seconds: the next try
        self._start_over_at = 0.0  # monotonic seconds: not before is everything read again

    def step(self, seconds: float = 0.25) -> None:
        """Serves the line for a moment, and asks for what is due."""
        self._line.step(seconds)
        self._meet()
        now = time.monotonic()
        if self._asked is not None and now - self._asked_at > PATIENCE_SECONDS:
            self._asked = None
        if self._asked is None and self._head is not None and self._line.connected and now >= self._hold_until:
            self._ask_if_behind(self._head)
        if self._asked is None and now >= self._again_at:
            self._try_again()

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    def _forget(self) -> None:
        """A new connection: the head comes again, the page does not."""
        self._asked = self._head = None

    def _hear(self, message: Incoming) -> None:
        try:
            body = read_json(message.payload)
            if message.topic == self._topics.head:
                self._hear_head(Head.model_validate(body))
            else:
                self._hear_page(Page.model_validate_json(message.payload))
        except (ValidationError, ValueError) as error:  # a CommandError is one
            log.warning("roster: not taken: %s (%d bytes): %s", message.topic, message.size, str(error)[:200])
            self._doubted = message if message.topic == self._topics.head else self._doubted
            self._wait()
        except StoreError as error:
            log.warning("roster: not kept, tried again: %s", error)
            self._wait()

    def _hear_head(self, head: Head) -> None:
        now = self._now()
        try:
            reading = self._write(lambda db: self._taking.check_head(db, head, now))
        except StoreError:
            self._head = head  # looked at again with the page
            raise
        self._head, self._doubted = head, None
        if self._asked is None and (reading.cursor < head.seq or reading.trouble):  # which may be over
            self._ask(reading.cursor)

    def _ask_if_behind(self, head: Head) -> None:
        cursor = roster.reading(self._db).cursor
        if cursor < head.seq:
            self._ask(cursor)

    def _ask(self, after: int) -> None:
        self._asked, self._asked_at = uuid.uuid4().hex, time.monotonic()
        pull = Pull(id=self._asked, after=after, limit=PAGE_ROWS, groups=self._taking.groups(self._db))
        self._line.send(Outgoing(self._topics.pull(self._device), pull.to_json()))

    def _hear_page(self, page: Page) -> None:
        if page.id != self._asked:
            return
        self._asked = None
        now, rows = self._now(), page.rows
        taken = self._write(lambda db: self._taking.take(db, page.head, rows, now, more=page.more))
        if rows:
            self._changed()
        self._head = page.head
        if not taken.done:
            self._ask(taken.cursor)
        else:
            self._finish(page.head, taken, now)

    def _finish(self, head: Head, taken: Taken, now: datetime) -> None:
        log.info("roster: read up to %d", taken.cursor)
        if taken.whole:
            return
        if time.monotonic() >= self._start_over_at:
            self._start_over_at = time.monotonic() + START_OVER_SECONDS
            self._write(self._taking.start_over)
            self._ask(0)
        else:
            self._write(lambda db: self._taking.miss(db, head, now))

    def _meet(self) -> None:
        """Looks again at what was not believed, once somebody is known who may have signed it."""
        known = admins.count(self._db)
        if known == self._admins:
            return
        self._admins, self._again_after, self._again_at, self._hold_until = known, "", 0.0, 0.0
        if (doubted := self._doubted) is not None:
            self._doubted = None
            self._hear(doubted)

    def _try_again(self) -> None:
        """Some of what is not in force, a few at a time: at the start, every hour, and when somebody is known since."""
        now, after, before = self._now(), self._again_after, roster.count_problems(self._db)
        try:
            self._again_after = self._write(lambda db: self._taking.try_again(db, after, PAGE_ROWS, now))
        except StoreError as error:
            log.warning("roster: not tried again: %s", error)
            self._again_after = ""
        if roster.count_problems(self._db) != before:
            self._changed()
        if not self._again_after:
            self._again_at = time.monotonic() + AGAIN_SECONDS

    def _wait(self) -> None:
        self._asked = None
        self._hold_until = time.monotonic() + HOLD_SECONDS
