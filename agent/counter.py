"""The counter: where commands are carried out, one at a time and each once, whoever brings them.

The broker's commander and the admin page stand before the same clerks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from agent.bundle import Bundle
from agent.clerks.house import exempt, handlers
from agent.enrolling import Enrolling
from agent.jobs.job import Job
from agent.jobs.jobs import Jobs
from agent.jobs.told import recall
from agent.live import Live
from agent.mqtt.message import Command
from agent.mqtt.once import Handler, Once
from agent.mqtt.parts import Spool
from agent.mqtt.spooled import FOLDER
from agent.store import commands
from agent.store import jobs as job_store
from agent.store.db import open_db

if TYPE_CHECKING:
    from agent.app import Agent

LOOK_SECONDS: Final = 1.0  # between two looks at how much is remembered


class Counter:
    """The clerks with their databases, their jobs and their memory. A context: leaving closes the databases.

    Attributes:
        db: to read, only by who holds the lock, as every handler does.
        spool: the parts of commands.
        jobs: a worker's step, and what it has been told to do.
        handlers: verb to what carries it out; from any thread, one at a time.
        tell: those who are told how far a job is, from the jobs' thread.
    """

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        config = agent.config
        self._write, self._lock = agent.recorder.write, threading.Lock()
        self._full, self._look_due = False, 0.0
        self.tell: list[Callable[[Job], object]] = []
        with ExitStack() as stack:
            self.db, work = (stack.enter_context(open_db(config.database_path, key=bundle.key)) for _ in range(2))
            unfinished = [job.id for job in job_store.unfinished(work)]
            self.spool = Spool(config.device.data_dir / FOLDER, work.seal, kept=unfinished)
            self.jobs = Jobs(work, self._write, self.spool, tell=self._told)
            enrolling = Enrolling(bundle, work, self._write, boot_id=agent.boot_id)
            live = Live(bundle, agent.studio, enrolling, agent.knowledge.soon)
            found = handlers(agent, bundle, self.db, self.spool, work=self.jobs, live=live)
            self.handlers: Mapping[str, Handler] = {
                verb: partial(self._one_at_a_time, handler) for verb, handler in found.items()
            }
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def once(self) -> Once:
        """Returns what carries out commands of a page, with the one memory of what was done.

        What only reads is not remembered: a page that looks every second would write as often.
        """
        return Once(
            self.handlers,
            spool=self.spool,
            recall=self.recall,
            remember=self.remember,
            begin=self.begin,
            full=self.full,
            keeps_reads=False,
        )

    def recall(self, command_id: str) -> str | None:
        """Returns the answer to a command id that was seen before, as JSON."""
        with self._lock:
            return recall(self.db, command_id)

    def remember(self, command_id: str, verb: str, result: str, until: datetime | None) -> None:
        """Keeps the result of a command, until nobody can send it again."""
        if self._full and verb == "lock":  # which does no harm twice
            return
        self._write(lambda db: commands.remember(db, command_id, verb, result, datetime.now(UTC), until=until))

    def begin(self, command_id: str, verb: str, result: str, until: datetime | None) -> None:
        """Keeps that a command is begun, and what its result is if that is never known."""
        self._write(lambda db: commands.begin(db, command_id, verb, result, datetime.now(UTC), until=until))

    def full(self, command: Command) -> bool:
        """Returns whether too many commands are remembered to take this one, too."""
        return self._full and not exempt(command)

    def look(self) -> None:
        """Looks how much is remembered, now and then.

        Raises:
            StoreError: that cannot be read.
        """
        if time.monotonic() < self._look_due:
            return
        self._look_due = time.monotonic() + LOOK_SECONDS
        with self._lock:
            self._full = commands.count(self.db) > commands.MOST

    def _one_at_a_time(self, handler: Handler, command: Any) -> Mapping[str, Any]:
        with self._lock:
            return handler(command)

    def _told(self, job: Job) -> None:
        for tell in self.tell:
            tell(job)
