"""The pairing that waits: one at a time, and never its code."""

from __future__ import annotations

from agent.store.db import Db
from agent.store.times import from_text, to_text
from agent.trust.pairing import Pending


def load(db: Db) -> Pending | None:
    """Return the pairing that waits, also one that is over."""
    rows = db.rows("SELECT nonce, secret, until, tries FROM pairing")
    return next(
        (Pending(bytes(nonce), bytes(secret), from_text(until), tries) for nonce, secret, until, tries in rows), None
    )


def save(db: Db, pending: Pending) -> None:
    """Wait for this one, and for no other."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT OR REPLACE INTO pairing VALUES (1, ?, ?, ?, ?)",
            (pending.nonce, pending.secret, to_text(pending.until), pending.tries),
        )


def count(db: Db, pending: Pending) -> int:
    """Take a try from this pairing, and forget it with the last; return how many are left."""
    with db.transaction() as sql:
        sql.execute("UPDATE pairing SET tries = tries - 1 WHERE nonce = ? AND tries > 0", (pending.nonce,))
        sql.execute("DELETE FROM pairing WHERE tries = 0")
        rows = sql.execute("SELECT tries FROM pairing WHERE nonce = ?", (pending.nonce,)).fetchall()
    return int(rows[0][0]) if rows else 0


def clear(db: Db) -> None:
    """Wait for none."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM pairing")
