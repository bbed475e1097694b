"""What leaves as a file, or row by row to a machine, is in the audit before it does: it is personal data."""

from __future__ import annotations

import sys
from typing import Final, Literal

from agent.audit import audit
from agent.register import Request
from agent.store.db import Db
from agent.store.rosters import who_worked

ROWS: Final = "rows"  # the kind of what machines ask for over MQTT

Report = Literal["attendance", "exceptions"]


def told_of(db: Db, person: str | None) -> int:
    """Returns how many people a report is about: one, or all that may have worked."""
    return 1 if person is not None else len(who_worked(db, after="", limit=sys.maxsize - 1))


def leaves(
    db: Db, request: Request, *, kind: str, month: str, people: int, person: str | None, report: Report = "attendance"
) -> None:
    """Records that a report leaves the device.

    Args:
        db: to write.
        request: who asked.
        kind: of file, or `ROWS`.
        month: as in 2026-11.
        people: how many it is about.
        person: whose it is; None: of many.
        report: which.
    """
    details: dict[str, object] = {"report": report, "kind": kind, "month": month, "people": people}
    audit(db, "report_exported", person, request, details)
