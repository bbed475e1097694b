"""Says in the audit what was changed, in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent.store import events
from agent.store.db import Db

if TYPE_CHECKING:
    from agent.register import Request


def audit(
    db: Db, action: str, subject: str | None, request: Request, details: Mapping[str, object] | None = None
) -> None:
    """Records a change: a row of the audit and its event.

    Args:
        db: in the transaction of the change.
        action: a past participle, "enrolled", "rules_applied"; documented in `deploy/MQTT.md`.
        subject: the person, the door, or None where the action says it.
        request: who asked, and when.
        details: JSON values; no name, no picture, no PIN, no card number.
    """
    body = {"action": action, "person": subject, "by": request.by, "command_id": request.command_id}
    events.append(db, "audit", request.at, request.boot_id, {**body, **(details or {})})
