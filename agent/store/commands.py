"""The answers to commands, so that one that comes twice is answered twice and carried out once."""

from __future__ import annotations

from datetime import datetime

from agent.store.db import Db
from agent.store.times import to_text

KEEP = 10_000
"""Counted, not timed: a clock that jumps must not let an old command be carried out again."""


def recall(db: Db, command_id: str) -> str | None:
    """Return the answer to a command that was carried out, as JSON, or None."""
    rows = db.rows("SELECT result FROM commands WHERE id = ?", (command_id,))
    return str(rows[0][0]) if rows else None


def remember(db: Db, command_id: str, verb: str, result_json: str, at: datetime, *, keep: int = KEEP) -> None:
    """Note the answer to a command; the first one stays. The oldest beyond `keep` are forgotten.

    In one transaction with what the command changed, a crash in between cannot carry it out twice.
    """
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO commands (id, verb, result, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (command_id, verb, result_json, to_text(at)),
        )
        sql.execute(
            "DELETE FROM commands WHERE number <= (SELECT number FROM commands ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (keep,),
        )
