"""Answers to commands about privacy: forget, export, retention, receipts, the audit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from agent.audit import audit
from agent.clerks import Office
from agent.clock import clock_state
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.verbs.privacy import (
    AuditCommand,
    ExportPersonCommand,
    ForgetCommand,
    ReceiptsCommand,
    RetentionCommand,
)
from agent.privacy import night
from agent.privacy.chain import Anchor
from agent.privacy.export import LATEST, held
from agent.privacy.forgetting import Attendance, as_json, forget
from agent.privacy.retention import carry_out, plan
from agent.store import audit as chain
from agent.store import receipts, retention

SAME_TIME: Final = timedelta(hours=1)
"""So far apart the sender's clock and the device's may be to vouch for each other: a command takes a while."""


def handlers(office: Office) -> dict[str, Handler]:
    """Returns what carries out each verb."""
    clerk = _Clerk(office)
    return {
        "forget": clerk.forget,
        "export_person": clerk.export,
        "retention": clerk.retention,
        "receipts": clerk.receipts,
        "audit": clerk.audit,
    }


class _Clerk:
    def __init__(self, office: Office) -> None:
        self._office = office

    def forget(self, command: ForgetCommand) -> dict[str, Any]:
        """Returns the receipt."""
        office = self._office
        request = office.request(command)
        attendance = Attendance(command.attendance) if command.attendance else None
        receipt = office.write(
            lambda db: forget(db, office.config, command.person, request, reason=command.reason, attendance=attendance)
        )
        office.changed()
        return as_json(receipt)

    def export(self, command: ExportPersonCommand) -> dict[str, Any]:
        """Returns what is held about a person, without the vectors."""
        office = self._office
        request = office.request(command)
        everything = held(office.db, office.config, command.person, request.at, limit=LATEST)
        office.write(lambda db: audit(db, "exported", command.person, request, {"counts": everything["counts"]}))
        return everything

    def retention(self, command: RetentionCommand) -> dict[str, Any]:
        """Returns what would go, or what went."""
        office = self._office
        request = office.request(command)
        if command.dry_run:
            return plan(office.db, office.config, request.at).as_json()
        vouched = command.at is not None and abs(command.at - request.at) <= SAME_TIME
        clock = clock_state(office.config.clock.synchronised_file)
        most = office.config.retention.most_days_ahead
        trust = night.trust(request.at, retention.past(office.db), clock, most_days_ahead=most)
        if trust is not night.Trust.RUN and not vouched:
            raise CommandError(
                Code.CLOCK_DOUBTED,
                f"the clock says {request.at:%Y-%m-%d %H:%M} UTC and may be wrong: send the right time as `at`",
            )
        done = office.write(lambda db: carry_out(db, office.config, request.at, request))
        office.changed()
        return done

    def receipts(self, command: ReceiptsCommand) -> dict[str, Any]:
        """Returns receipts, the latest last."""
        found = receipts.recent(self._office.db, command.limit, person=command.person)
        return {"receipts": [as_json(receipt) for receipt in found]}

    def audit(self, command: AuditCommand) -> dict[str, Any]:
        """Returns rows, the head, and what is broken first."""
        db = self._office.db
        head = chain.head(db)
        data: dict[str, Any] = {
            "rows": [chain.as_json(row) for row in chain.since(db, command.after, command.limit)],
            "head": asdict(head),
        }
        if command.verify or command.anchor:
            broken = chain.verify(db, Anchor.parse(command.anchor) if command.anchor else None)
            data["broken"] = asdict(broken) if broken else None
        return data
