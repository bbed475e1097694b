"""What is told of jobs."""

from __future__ import annotations

from agent.errors import CommandError
from agent.jobs.job import Job
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.mqtt.wire import Progress, Result
from agent.store import commands, jobs
from agent.store.db import Db


def progress(job: Job) -> Progress:
    """Returns how far a job is."""
    return Progress(
        id=job.id,
        verb=job.verb,
        state=job.state,
        done=job.done,
        of=job.of,
        note=job.note or None,
        at=timestamp(job.changed_at),
        code=None if job.code is None else Code(job.code),
        message=job.message,
        data=job.data,
    )


def found(db: Db, job_id: str) -> Job:
    """Returns a job.

    Raises:
        CommandError: there is none.
    """
    job = jobs.find(db, job_id)
    if job is None:
        raise CommandError(Code.UNKNOWN_JOB, f"there is no job {job_id}: it was none, or is forgotten")
    return job


def recall(db: Db, command_id: str) -> str | None:
    """Returns the answer to a command id that was seen before, as JSON: of a job, how far it is."""
    job = jobs.find(db, command_id)
    if job is None:
        return commands.recall(db, command_id)
    return Result(id=job.id, verb=job.verb, ok=True, data={**job.as_json()}).to_json().decode()
