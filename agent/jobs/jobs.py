"""The worker that does the jobs, one after the other, and tells how far they are.

A job is on the disk before it is answered as accepted, and so is how it ended before that is told: killed at any point,
the agent goes on with it when it is started again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from agent.errors import CommandError, LatchkeyError, StoreError
from agent.jobs.job import Job, State, Step, Steps, Work
from agent.mqtt.message import Code, Command
from agent.mqtt.once import MAX_MESSAGE, Handler
from agent.mqtt.parts import Spool
from agent.mqtt.wire import COMMANDS, code_of, explain
from agent.store import jobs as store
from agent.store.db import Db
from agent.write import Write

log = logging.getLogger(__name__)

MOST_WAITING: Final = 20
MOST_TRIES: Final = 3  # one that kills the agent each time is given up
STEP_SECONDS: Final = 0.5  # also between two notes of how far one is
RETRY_SECONDS: Final = 2.0  # a full disk


@dataclass(slots=True, eq=False)
class _Running:
    job: Job
    steps: Steps
    noted: float  # monotonic seconds


class Jobs:
    """A worker. `handler`, `start` and `wake` are for the commander's thread, `step` for the worker's own.

    Args:
        db: to read, by the worker alone.
        write: as the recorder does.
        spool: where parts of commands are; those of a job stay until it is over.
        tell: told of a job that has come further; from the worker's thread.
        now: the time, UTC.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        db: Db,
        write: Write,
        spool: Spool,
        *,
        tell: Callable[[Job], object],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db, self._write, self._spool, self._tell, self._now, self._clock = db, write, spool, tell, now, clock
        self._works: dict[str, Work] = {}
        self._running: _Running | None = None
        self._over: Job | None = None  # that could not be noted yet
        self._news = threading.Event()
        self._begun_here: set[str] = set()

    def handler(self, verb: str, work: Work, *, check: Callable[[Any], object] = lambda _: None) -> Handler:
        """Returns what accepts a verb as a job.

        Args:
            verb: of the command.
            work: what is done then, and gone on with after a restart.
            check: refuses at once what cannot be done, by raising.
        """
        self._works[verb] = work

        def accept(command: Command) -> dict[str, Any]:
            check(command)
            return self.start(verb, command)

        return accept

    def start(self, verb: str, command: Command) -> dict[str, Any]:
        """Accepts a command; the same id again is the same job.

        Returns:
            `job`: the state.

        Raises:
            CommandError: too many wait.
            StoreError: it could not be noted, and will not be done.
        """
        now = self._now()
        body = command.to_json().decode()
        job = Job(id=command.id, verb=verb, asked_by=command.asked_by, body=body, accepted_at=now, changed_at=now)
        held = self._spool.hold(command.id)
        try:
            accepted = self._write(lambda db: _accepted(db, job))
        except LatchkeyError:
            if held:
                self._spool.let_go(command.id)
            raise
        self.wake()
        return {"job": accepted.state.value}

    def wake(self) -> None:
        """There is something new to do, or to give up."""
        self._news.set()

    def step(self) -> None:
        """Begins a job, brings it a little further, or waits for one."""
        try:
            if self._over is not None:
                self._end(self._over)
            elif self._running is not None:
                self._advance(self._running)
            elif not self._begin_next():
                self._pause(STEP_SECONDS)
        except StoreError as error:  # such as a disk that is full: tried again
            log.warning("jobs wait: %s", error)
            self._pause(RETRY_SECONDS)

    def close(self) -> None:
        """Lets go of the job under way: it is gone on with after the next start. After the worker has stopped."""
        if self._running is not None:
            self._running.steps.close()
            self._running = None

    def _pause(self, seconds: float) -> None:
        self._news.wait(seconds)
        self._news.clear()

    # One job

    def _begin_next(self) -> bool:
        waiting = store.unfinished(self._db)
        if not waiting:
            return False
        job = waiting[0]
        try:
            steps = self._steps(job)
        except CommandError as error:
            self._fail(job, error)
            return True
        self._write(lambda db: store.begin(db, job.id, self._now()))
        self._begun_here.add(job.id)
        job = replace(job, state=State.RUNNING, changed_at=self._now())
        self._running = _Running(job, steps, self._clock())
        log.info("job begins: %s %s", job.verb, job.id)
        self._tell(job)
        return True

    def _steps(self, job: Job) -> Steps:
        """Returns what is to be done.

        Raises:
            CommandError: it cannot be.
        """
        if job.cancelled_by is not None:
            raise _cancelled(job.cancelled_by)
        work = self._works.get(job.verb)
        if work is None:
            raise CommandError(Code.UNKNOWN_VERB, f"this version of Latchkey has no {job.verb}")
        interrupted = job.state is State.RUNNING and job.id not in self._begun_here
        if interrupted and (not work.resumable or job.tries >= MOST_TRIES):
            raise CommandError(Code.INTERRUPTED, f"the agent was started anew meanwhile: ask {job.verb} again")
        try:
            command = COMMANDS[job.verb].model_validate_json(job.body)
        except ValidationError as error:
            raise CommandError(Code.BAD_REQUEST, explain(error)) from None
        return work.run(command.asked(job.asked_by), job.done)

    def _advance(self, running: _Running) -> None:
        try:
            step = next(running.steps)
        except StopIteration as end:
            job = running.job
            done = job.done if job.of is None else job.of
            self._end(replace(job, state=State.DONE, done=done, note="", data=end.value))
        except LatchkeyError as error:
            running.steps.close()
            self._fail(running.job, error)
        else:
            self._note(running, step)

    def _note(self, running: _Running, step: Step) -> None:
        """Keeps and tells how far a job is, and looks whether it is given up; not more often than twice a second."""
        running.job = job = replace(
            running.job, done=step.done, of=step.of, note=step.note[:80], changed_at=self._now()
        )
        if self._clock() - running.noted < STEP_SECONDS:
            return
        running.noted = self._clock()
        try:
            self._write(lambda db: store.note(db, job))
        except StoreError as error:
            log.warning("how far a job is cannot be kept, %s %s: %s", job.verb, job.id, error)
        self._tell(job)
        if (by := store.cancelled_by(self._db, job.id)) is not None:
            running.steps.close()
            self._fail(job, _cancelled(by))

    def _fail(self, job: Job, error: LatchkeyError) -> None:
        self._end(replace(job, state=State.FAILED, code=code_of(error).value, message=str(error)[:MAX_MESSAGE]))

    def _end(self, job: Job) -> None:
        """Keeps how a job has ended, then tells it.

        Raises:
            StoreError: it cannot be kept, and is to be tried again.
        """
        self._over = job = replace(job, changed_at=self._now())
        self._running = None
        horizon = job.changed_at - timedelta(days=store.KEEP_DAYS)

        def finish(db: Db) -> None:
            with db.transaction():
                store.finish(db, job)
                store.prune(db, horizon)

        self._write(finish)
        self._over = None
        self._begun_here.discard(job.id)
        self._spool.release(job.id)
        log.info("job ends: %s %s: %s %s", job.verb, job.id, job.state, job.code or "")
        self._tell(job)


def _accepted(db: Db, job: Job) -> Job:
    """Returns the job of this id: the one there is, or this one, noted."""
    with db.transaction():
        known = store.find(db, job.id)
        if known is not None:
            return known
        if len(store.unfinished(db)) >= MOST_WAITING:
            raise CommandError(Code.BUSY, f"{MOST_WAITING} jobs wait already: try again later, under a new id")
        store.add(db, job)
    return job


def _cancelled(by: str) -> CommandError:
    return CommandError(Code.CANCELLED, f"given up by {by}")
