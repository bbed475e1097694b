"""Who failed to sign in, and from where people did: names and addresses as keyed digests, and so many rows at most."""

from __future__ import annotations

import hmac
from datetime import datetime

from agent.accounts.lockout import Failures
from agent.store.db import Db
from agent.store.times import from_text, to_text

MOST = 4096  # rows; beyond it the oldest go
MOST_FAMILIAR = 16  # addresses of one account


def failures(db: Db, kind: str, what: str) -> Failures | None:
    """Return the failures of a name or an address.

    Args:
        db: open with the site's key.
        kind: "name" or "address".
        what: the one.
    """
    rows = db.rows("SELECT count, last FROM sign_in_failures WHERE whose = ?", (_digest(db, kind, what),))
    return Failures(rows[0][0], from_text(rows[0][1])) if rows else None


def fail(db: Db, now: datetime, **what: str) -> None:
    """Count a failure of each of these, by kind."""
    with db.transaction() as sql:
        for kind, each in what.items():
            known = failures(db, kind, each)
            counted = known.and_one(now) if known else Failures(1, now)
            row = (_digest(db, kind, each), counted.count, to_text(counted.last))
            sql.execute("INSERT OR REPLACE INTO sign_in_failures VALUES (?, ?, ?)", row)
        sql.execute(
            "DELETE FROM sign_in_failures WHERE whose IN"
            " (SELECT whose FROM sign_in_failures ORDER BY last DESC LIMIT -1 OFFSET ?)",
            (MOST,),
        )


def clear(db: Db, **what: str) -> None:
    """Forget the failures of each of these, by kind."""
    with db.transaction() as sql:
        digests = [(_digest(db, kind, each),) for kind, each in what.items()]
        sql.executemany("DELETE FROM sign_in_failures WHERE whose = ?", digests)


def succeed(db: Db, *, name: str, address: str) -> None:
    """Forget the failures of a name, and as many of an address: those with other names stay.

    Who has an account could else try out another's from the same address, and sign in now and then in between.
    """
    with db.transaction() as sql:
        own, here = failures(db, "name", name), failures(db, "address", address)
        clear(db, name=name, address=address)
        left = here.count - (own.count if own else 0) if here else 0
        if here and left > 0:
            row = (_digest(db, "address", address), left, to_text(here.last))
            sql.execute("INSERT INTO sign_in_failures VALUES (?, ?, ?)", row)


def clear_all(db: Db) -> None:
    """Forget all failures."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM sign_in_failures")


def familiar(db: Db, name: str, address: str) -> datetime | None:
    """Return when somebody signed in to an account from an address last."""
    digest = _digest(db, "address", address)
    rows = db.rows("SELECT last FROM familiar WHERE account = ? AND address = ?", (name, digest))
    return from_text(rows[0][0]) if rows else None


def remember(db: Db, name: str, address: str, now: datetime) -> None:
    """Note that somebody has signed in to an account that there is."""
    with db.transaction() as sql:
        row = (name, _digest(db, "address", address), to_text(now))
        sql.execute("INSERT OR REPLACE INTO familiar VALUES (?, ?, ?)", row)
        sql.execute(
            "DELETE FROM familiar WHERE account = ? AND address IN"
            " (SELECT address FROM familiar WHERE account = ? ORDER BY last DESC LIMIT -1 OFFSET ?)",
            (name, name, MOST_FAMILIAR),
        )


def _digest(db: Db, kind: str, what: str) -> bytes:
    return hmac.digest(db.seal.key.sign_in_key, f"{kind}\n{what}".encode(), "sha256")[:16]
