"""The only writer of the agent's database: events first come first served, and what others want written in between.

When the disk is full the event that did not fit is tried again until it fits; until then `healthy` is False, and the
rules say whether the door still opens. What is behind it waits in memory, as much as there is room for.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from ulid import ULID

from agent.errors import StoreFull
from agent.store import events
from agent.store.db import Db
from agent.types import Event

log = logging.getLogger(__name__)

T = TypeVar("T")
ROOM = 1000  # events that wait for the disk; a busy door makes that many in an hour
STEP_SECONDS = 0.5
RETRY_SECONDS = 2.0
WRITE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is decided and not yet recorded."""

    id: str
    kind: str
    at: datetime
    body: Mapping[str, object]


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
        self._db, self._boot_id, self._recorded = db, boot_id, recorded
        self._jobs: queue.Queue[Pending | Callable[[], None]] = queue.Queue(ROOM)
        self._stuck: Pending | None = None

    def record(self, kind: str, at: datetime, body: Mapping[str, object]) -> None:
        """Queues an event. Returns at once, or waits a little while the queue is full."""
        pending = Pending(str(ULID()), kind, at, body)
        try:
            self._jobs.put(pending, timeout=STEP_SECONDS)
        except queue.Full:
            self.lost += 1
            log.error("event lost, the disk is full and so is memory: %s %s %s", kind, at.isoformat(), dict(body))

    def write(self, change: Callable[[Db], T]) -> T:
        """Has `change` done by the worker, in its turn, and returns what it returns or raises what it raises.

        Raises:
            StoreFull: the disk is full, or it was not done in time; then it will not be done any more.
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
            raise StoreFull("the disk is full: free some space")
        try:
            self._jobs.put(job, timeout=STEP_SECONDS)
            return future.result(timeout=WRITE_SECONDS)
        except (queue.Full, TimeoutError):
            future.cancel()
            raise StoreFull("the database is too busy, or its disk is full: try again later") from None

    def step(self) -> None:
        """Does one job, or waits for one."""
        if self._stuck is not None:
            time.sleep(RETRY_SECONDS)
            self._try(self._stuck)
            return
        try:
            job = self._jobs.get(timeout=STEP_SECONDS)
        except queue.Empty:
            return
        if isinstance(job, Pending):
            self._try(job)
        else:
            job()

    def drain(self) -> None:
        """Does all that is left; what cannot be recorded now is logged and lost."""
        while self._stuck is not None or not self._jobs.empty():
            before = self._stuck
            self.step()
            if self._stuck is not None and self._stuck is before:
                self._give_up()
                return

    def _try(self, pending: Pending) -> None:
        try:
            event = events.append(self._db, pending.kind, pending.at, self._boot_id, pending.body, id=pending.id)
        except StoreFull as error:
            if self.healthy:
                log.error("events cannot be recorded, trying again every %s s: %s", RETRY_SECONDS, error)
            self.healthy, self._stuck = False, pending
            return
        if not self.healthy:
            log.warning("events are recorded again")
        self.healthy, self._stuck = True, None
        self._recorded(event)

    def _give_up(self) -> None:
        waiting: list[Any] = [self._stuck]
        while not self._jobs.empty():
            waiting.append(self._jobs.get())
        for pending in waiting:
            if isinstance(pending, Pending):
                self.lost += 1
                log.error("event lost: %s %s %s", pending.kind, pending.at.isoformat(), dict(pending.body))
