"""The only writer of the agent's database: events first come first served, and what others want written in between.

When the disk is full, or refuses for another reason, the event that could not be recorded is tried again until it can;
until then `healthy` is False, and the rules say whether the door still opens. What is behind it waits in memory, as
much as there is room for.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from ulid import ULID

from agent.errors import LatchkeyError, StoreError, StoreFull
from agent.labels import nameless
from agent.store import events
from agent.store.db import Db
from agent.types import Event

log = logging.getLogger(__name__)

T = TypeVar("T")
ROOM = 1000  # events that wait for the disk; a busy door makes that many in an hour
STEP_SECONDS = 0.5
RETRY_SECONDS = 2.0
WRITE_SECONDS = 10.0


Also: TypeAlias = Callable[[Db, Event], Sequence[Event]]
"""What is written with an event, in its transaction: returns the further events that it made."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is decided and not yet recorded."""

    id: str
    kind: str
    at: datetime
    body: Mapping[str, object]
    also: Also | None = None


Job: TypeAlias = Pending | Callable[[], None]


class Recorder:
    """A worker. `record` and `write` may be called from any thread.

    Args:
        db: used by this worker alone.
        boot_id: goes into every event.
        recorded: told of every event, after it is on the disk.
    """

    def __init__(self, db: Db, *, boot_id: str, recorded: Callable[[Event], None]) -> None:
        self.healthy = True
        self.lost = 0  # events there was no room for, on the disk or here
        self.boot_id = boot_id
        self._db, self._recorded = db, recorded
        self._jobs: queue.Queue[Job] = queue.Queue(ROOM)
        self._stuck: Pending | None = None  # goes before all others
        self._closed = False

    def record(self, kind: str, at: datetime, body: Mapping[str, object], also: Also | None = None) -> None:
        """Queues an event. Returns at once, or waits a little while the queue is full.

        Args:
            kind: the last level of its topic.
            at: when it happened.
            body: JSON values.
            also: what else is written with it, or not at all; called in the worker's thread, again where it failed.
        """
        pending = Pending(str(ULID()), kind, at, body, also)
        if not self._queued(pending):
            self._lose(pending, "the agent has stopped" if self._closed else "the disk is full and so is memory")

    def write(self, change: Callable[[Db], T], *, seconds: float = WRITE_SECONDS) -> T:
        """Has `change` done by the worker, in its turn, and returns what it returns or raises what it raises.

        Waits for a change that has begun for as long as it takes.

        Raises:
            StoreFull: events cannot be recorded now, or it was not begun in time; then it will not be done any more.
        """
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(change(self._db))
            except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
                future.set_exception(error)

        if not self.healthy:
            raise StoreFull("nothing can be recorded now: free some space on the disk, and look at the log")
        if self._queued(job):
            try:
                return future.result(timeout=seconds)
            except TimeoutError:
                if not future.cancel():
                    return future.result()
        raise StoreFull("the database is too busy, or its disk is full: try again later")

    def do(self, change: Callable[[Db], object]) -> None:
        """Queues a change that nobody waits for; where it cannot be made, that is logged."""

        def job() -> None:
            try:
                change(self._db)
            except LatchkeyError as error:
                log.warning("not written: %s", error)

        if not self._queued(job):
            log.warning("not written: %s", "the agent has stopped" if self._closed else "the disk is full")

    def step(self) -> None:
        """Does one job, or waits for one."""
        if self._stuck is not None:
            time.sleep(RETRY_SECONDS)
            self._do(self._stuck)
        elif (job := self._next(STEP_SECONDS)) is not None:
            self._do(job)

    def wake(self) -> None:
        """Lets a step that waits return at once."""
        with suppress(queue.Full):
            self._jobs.put_nowait(lambda: None)

    def drain(self) -> None:
        """Does all that is left; what cannot be recorded now is logged and lost. After the worker has stopped."""
        self._closed = True
        while (job := self._stuck or self._next(0.0)) is not None:
            with suppress(ValueError):  # it is told already, and those behind it still count
                self._do(job)
            if self._stuck is not None:
                break
        self.give_up()

    def give_up(self) -> None:
        """Loses what is left, loudly; also where the worker does not stop, as one that waits for a locked database."""
        self._closed = True
        while (job := self._stuck or self._next(0.0)) is not None:
            self._stuck = None
            if isinstance(job, Pending):
                self._lose(job, "it could not be recorded before the agent stopped")

    def _queued(self, job: Job) -> bool:
        if self._closed:
            return False
        try:
            self._jobs.put(job, timeout=STEP_SECONDS)
        except queue.Full:
            return False
        return True

    def _next(self, seconds: float) -> Job | None:
        try:
            return self._jobs.get(timeout=seconds) if seconds else self._jobs.get_nowait()
        except queue.Empty:
            return None

    def _do(self, job: Job) -> None:
        if not isinstance(job, Pending):
            job()
            return
        self._stuck = job
        try:
            with self._db.transaction():
                event = events.append(self._db, job.kind, job.at, self.boot_id, job.body, id=job.id)
                further = job.also(self._db, event) if job.also is not None else ()
        except StoreError as error:
            self._unwell(error)
            return
        except ValueError:  # our own mistake: the agent crashes, but trying again would do so again
            self._stuck = None
            self._lose(job, "it is not what the database takes")
            raise
        self._stuck = None
        if not self.healthy:
            log.warning("events are recorded again")
        self.healthy = True
        for each in (event, *further):
            self._recorded(each)

    def _unwell(self, error: StoreError) -> None:
        if self.healthy:
            log.error("events cannot be recorded, trying again every %g s: %s", RETRY_SECONDS, error)
        self.healthy = False

    def _lose(self, event: Pending, why: str) -> None:
        self.lost += 1
        log.error("event lost, %s: %s %s %s", why, event.kind, event.at.isoformat(), nameless(event.body))
