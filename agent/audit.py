"""Says in the audit what was changed, in the transaction that changes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.config import Config
from agent.privacy.chain import canonical
from agent.store import audit as chain
from agent.store import events
from agent.store.db import Db
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.register import Request


def audit(
    db: Db, action: str, subject: str | None, request: Request, details: Mapping[str, object] | None = None
) -> None:
    """Records a change: a row of the audit's chain and its event.

    Args:
        db: in the transaction of the change.
        action: a past participle, "enrolled", "rules_applied"; documented in `deploy/MQTT.md`.
        subject: the person, the door, or None where the action says it.
        request: who asked, and when.
        details: JSON values; no name, no picture, no PIN, no card number.

    Raises:
        ValueError: `details` is not JSON, or `request.by` is no short text.
    """
    told = _plain(details or {})
    with db.transaction():
        before, row = chain.append(
            db,
            at=request.at,
            boot_id=request.boot_id,
            action=action,
            by=request.by,
            subject=subject,
            command_id=request.command_id,
            details=told,
        )
        body = {
            "action": action,
            "subject": subject,
            "by": request.by,
            "command_id": request.command_id,
            "details": told,
            "number": row.number,
            "hash": row.hash,
            "previous": before.hash,
            "by_salt": row.by_salt,
            "by_digest": row.by_digest,
            "about_salt": row.about_salt,
            "about_digest": row.about_digest,
            "clock": request.clock.value,
        }
        events.append(db, "audit", request.at, request.boot_id, body)


def _plain(details: Mapping[str, object]) -> dict[str, object]:
    """Returns the same with whole numbers as such: `5.0` is signed, and so sent, as `5`, and its digest has to fit."""

    def plain(value: object) -> object:
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return {key: plain(value) for key, value in details.items()}


def audit_start(db: Db, config: Config, models: Sequence[str], request: Request) -> list[str]:
    """Records what is not as it was at the last start: the software, the models, the configuration.

    The first start is only noted: there is nothing that it could differ from.

    Args:
        db: the database.
        config: passwords do not stand in it; of the values only digests are kept.
        models: the ids of the models that are used.
        request: by "start".

    Returns:
        The actions that were recorded.
    """
    tables = {name: _digest(table) for name, table in config.model_dump(mode="json").items()}
    now = {"software": VERSION, "models": [*models], "configuration": tables}
    done = []
    with db.transaction() as sql:
        last = {what: json.loads(value) for what, value in sql.execute("SELECT what, value FROM started").fetchall()}
        for what, value in now.items():
            if last.get(what) == value:
                continue
            sql.execute("INSERT OR REPLACE INTO started VALUES (?, ?)", (what, canonical(value)))
            if not last:
                continue
            details: dict[str, object] = {"before": last.get(what), "after": value}
            if what == "configuration":
                before = last.get(what, {})
                details = {
                    "hash": _digest(tables),
                    "tables": sorted(
                        name for name in tables.keys() | before.keys() if tables.get(name) != before.get(name)
                    ),
                }
            audit(db, f"{what}_changed", None, request, details)
            done.append(f"{what}_changed")
    return done


def _digest(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]
