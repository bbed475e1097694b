"""Jobs that were asked for by somebody who may ask nothing any more."""

from __future__ import annotations

from agent.audit import audit
from agent.register import Request
from agent.store import jobs
from agent.store.db import Db


def give_up_jobs(db: Db, asked_by: str, request: Request) -> None:
    """Cancels what somebody has asked for and is not done yet, as the audit calls them; to be in a transaction."""
    for job in jobs.unfinished(db):
        if job.asked_by == asked_by and jobs.cancel(db, job.id, request.by):
            audit(db, "job_cancelled", None, request, {"job": job.id, "verb": job.verb})
