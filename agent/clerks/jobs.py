"""Answers what admins ask about what takes long, and what comes in parts; the log; the hours of a month."""

from __future__ import annotations

from typing import Any

from agent.audit import audit
from agent.clerks import Office
from agent.errors import CommandError
from agent.jobs.job import JobTold
from agent.jobs.jobs import Jobs
from agent.jobs.told import found
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.parts import Spool
from agent.mqtt.telemetry import event_body
from agent.mqtt.verbs.jobs import (
    JobCancelCommand,
    JobCommand,
    JobsCommand,
    LogCommand,
    PartsCommand,
    ReportCommand,
)
from agent.reports.basis import month_of, one_by_one
from agent.reports.leaving import ROWS, leaves
from agent.reports.rows import rows
from agent.rules_in_force import load_rules
from agent.store import events
from agent.store import jobs as store
from agent.store.db import Db
from agent.store.rosters import who_worked
from agent.trust.roles import may


def handlers(office: Office, jobs: Jobs, spool: Spool) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        jobs: does them.
        spool: keeps the parts.
    """
    clerk = _Clerk(office, jobs, spool)
    return {
        "job": clerk.job,
        "jobs": clerk.jobs,
        "job_cancel": clerk.cancel,
        "parts": clerk.parts,
        "log": clerk.log,
        "report": clerk.report,
    }


class _Clerk:
    def __init__(self, office: Office, jobs: Jobs, spool: Spool) -> None:
        self._office, self._jobs, self._spool = office, jobs, spool

    def job(self, command: JobCommand) -> JobTold:
        return found(self._office.db, command.id_of).as_json()

    def jobs(self, command: JobsCommand) -> dict[str, Any]:
        return {"jobs": [job.as_json() for job in store.recent(self._office.db, command.limit)]}

    def cancel(self, command: JobCancelCommand) -> JobTold:
        job = found(self._office.db, command.id_of)
        if not may(command.asker_role, job.verb):
            raise CommandError(Code.NOT_PERMITTED, f"a {command.asker_role} may not ask {job.verb}, nor cancel it")
        request = self._office.request(command)

        def change(db: Db) -> None:
            with db.transaction():
                if store.cancel(db, job.id, command.asked_by):
                    audit(db, "job_cancelled", None, request, {"job": job.id, "verb": job.verb})

        self._office.write(change)
        self._jobs.wake()
        return found(self._office.db, job.id).as_json()

    def parts(self, command: PartsCommand) -> dict[str, Any]:
        if command.parts is not None:
            self._spool.announce(command.id_of, command.parts)
        here = self._spool.here(command.id_of, command.parts)
        return {"here": [number for number in here if command.of is None or number <= command.of]}

    def log(self, command: LogCommand) -> dict[str, Any]:
        device, kinds = self._office.config.device, command.kinds
        sees_audit = may(command.asker_role, "audit")
        if kinds is not None and "audit" in kinds and not sees_audit:
            raise CommandError(
                Code.NOT_PERMITTED, f"a {command.asker_role} may not see the audit: leave it out of kinds"
            )
        hidden = () if sees_audit else ("audit",)
        happened = events.since(self._office.db, command.after, command.limit + 1, kinds=kinds, hidden=hidden)
        told = happened[: command.limit]
        return {
            "events": [event_body(each, site=device.site, device=device.name, historical=True) for each in told],
            "more": len(happened) > command.limit,
            "last": told[-1].seq if told else command.after,
        }

    def report(self, command: ReportCommand) -> dict[str, Any]:
        try:
            first, last = month_of(command.month)
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"month: {error}") from None
        db, rules = self._office.db, load_rules(self._office.db)
        people = [command.person] if command.person else who_worked(db, after=command.after, limit=command.limit + 1)
        asked, at = people[: command.limit], self._office.now()
        told = [row for each in one_by_one(db, rules, first, last, asked, at=at) for row in rows(each)]
        if of := len({row["person"] for row in told}):
            self._office.write(lambda db: self._leaves(db, command, of))
        return {"rows": told, "more": len(people) > command.limit, "last": asked[-1] if asked else command.after}

    def _leaves(self, db: Db, command: ReportCommand, people: int) -> None:
        request = self._office.request(command)
        leaves(db, request, kind=ROWS, month=command.month, people=people, person=command.person)
