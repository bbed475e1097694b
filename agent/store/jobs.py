"""The jobs: waiting, under way, and over."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from agent.jobs.job import Job, State
from agent.store.db import Db
from agent.store.times import from_text, to_text

KEEP: Final = 1000
"""Jobs that are over, beside those of `KEEP_DAYS`."""
KEEP_DAYS: Final = 30

_COLUMNS: Final = (
    "id, verb, asked_by, body, state, done, total, note, code, message, data, tries, cancelled_by, accepted_at,"
    " changed_at"
)
_UNFINISHED: Final = "state IN ('accepted', 'running')"


def add(db: Db, job: Job) -> None:
    """Accept a job; its id has to be new."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO jobs (id, verb, asked_by, body, state, accepted_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.id, job.verb, job.asked_by, job.body, job.state, to_text(job.accepted_at), to_text(job.changed_at)),
        )


def find(db: Db, job_id: str) -> Job | None:
    """Return a job, if there is one of this id."""
    return next(iter(_select(db, "WHERE id = ?", job_id)), None)


def unfinished(db: Db) -> list[Job]:
    """Return the jobs that are not over, in the order in which they are to be done."""
    return _select(db, f"WHERE {_UNFINISHED} ORDER BY number")


def recent(db: Db, limit: int) -> list[Job]:
    """Return the jobs that were accepted last, the latest first."""
    return _select(db, "ORDER BY number DESC LIMIT ?", limit)


def begin(db: Db, job_id: str, at: datetime) -> None:
    """Note that a job is being done."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE jobs SET state = ?, tries = tries + 1, changed_at = ? WHERE id = ?",
            (State.RUNNING, to_text(at), job_id),
        )


def note(db: Db, job: Job) -> None:
    """Note how far a job is."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE jobs SET done = ?, total = ?, note = ?, changed_at = ? WHERE id = ?",
            (job.done, job.of, job.note, to_text(job.changed_at), job.id),
        )


def finish(db: Db, job: Job) -> None:
    """Note how a job has ended. What it was asked is forgotten."""
    data = None if job.data is None else json.dumps(job.data, separators=(",", ":"))
    with db.transaction() as sql:
        sql.execute(
            "UPDATE jobs SET body = '', state = ?, done = ?, total = ?, note = ?, code = ?, message = ?, data = ?,"
            " changed_at = ? WHERE id = ?",
            (job.state, job.done, job.of, job.note, job.code, job.message, data, to_text(job.changed_at), job.id),
        )


def cancel(db: Db, job_id: str, by: str) -> bool:
    """Note that a job is to be given up; return whether it was under way and nobody had."""
    with db.transaction() as sql:
        return bool(
            sql.execute(
                f"UPDATE jobs SET cancelled_by = ? WHERE id = ? AND cancelled_by IS NULL AND {_UNFINISHED}",  # noqa: S608 - ours
                (by, job_id),
            ).rowcount
        )


def cancelled_by(db: Db, job_id: str) -> str | None:
    """Return who wants a job to be given up, if anybody does."""
    return next((by for (by,) in db.rows("SELECT cancelled_by FROM jobs WHERE id = ?", (job_id,))), None)


def prune(db: Db, before: datetime, *, keep: int = KEEP) -> int:
    """Forget the jobs that were over before `before`, and the oldest that are over beyond `keep`; return how many."""
    with db.transaction() as sql:
        return sql.execute(
            f"DELETE FROM jobs WHERE NOT {_UNFINISHED} AND (changed_at < ? OR number <="  # noqa: S608 - ours
            f" (SELECT number FROM jobs WHERE NOT {_UNFINISHED} ORDER BY number DESC LIMIT 1 OFFSET ?))",
            (to_text(before), keep),
        ).rowcount


def _select(db: Db, clauses: str, *parameters: object) -> list[Job]:
    return [_job(row) for row in db.rows(f"SELECT {_COLUMNS} FROM jobs {clauses}", parameters)]  # noqa: S608 - ours


def _job(row: tuple[Any, ...]) -> Job:
    (id_, verb, asked_by, body, state, done, of, note_, code, message, data, tries, cancelled, accepted, changed) = row
    return Job(
        id=id_,
        verb=verb,
        asked_by=asked_by,
        body=body,
        state=State(state),
        done=done,
        of=of,
        note=note_,
        code=code,
        message=message,
        data=None if data is None else json.loads(data),
        tries=tries,
        cancelled_by=cancelled,
        accepted_at=from_text(accepted),
        changed_at=from_text(changed),
    )
