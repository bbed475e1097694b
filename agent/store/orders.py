"""Orders to the door that the command line leaves for the agent: each is taken once, or expires within seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.store.db import Db


class What(StrEnum):
    """What is to be done."""

    UNLOCK = "unlock"
    LOCK = "lock"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    number: int
    what: What
    seconds: float | None  # of an unlock; None: as long as a grant


def place(db: Db, what: What, seconds: float | None, expires: float) -> int:
    """Leave an order; return its number.

    Args:
        db: the agent's database.
        what: to do.
        seconds: of an unlock.
        expires: monotonic seconds, the same for all processes of a machine.
    """
    with db.transaction() as sql:
        row = sql.execute(
            "INSERT INTO door_orders (what, seconds, expires) VALUES (?, ?, ?)", (what.value, seconds, expires)
        )
        return int(row.lastrowid or 0)


def waiting(db: Db) -> bool:
    """Return whether there is an order that nobody has taken. Reads only."""
    return bool(db.rows("SELECT 1 FROM door_orders WHERE taken = 0 LIMIT 1"))


def take(db: Db, now: float) -> list[Order]:
    """Return the orders that wait and have not expired; they are taken, and those that have expired are gone."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM door_orders WHERE taken = 0 AND expires < ?", (now,))
        rows = sql.execute(
            "UPDATE door_orders SET taken = 1 WHERE taken = 0 RETURNING number, what, seconds"
        ).fetchall()
    return sorted((Order(number, What(what), seconds) for number, what, seconds in rows), key=lambda one: one.number)


def answer(db: Db, number: int, text: str) -> None:
    """Say what has become of an order that was taken."""
    with db.transaction() as sql:
        sql.execute("UPDATE door_orders SET answer = ? WHERE number = ?", (text, number))


def answered(db: Db, number: int) -> str | None:
    """Return the answer to an order, if there is one by now."""
    for (text,) in db.rows("SELECT answer FROM door_orders WHERE number = ?", (number,)):
        return None if text is None else str(text)
    return None


def withdraw(db: Db, number: int) -> bool:
    """Forget an order; return whether it had been taken by then."""
    with db.transaction() as sql:
        rows = sql.execute("DELETE FROM door_orders WHERE number = ? RETURNING taken", (number,)).fetchall()
    return bool(rows and rows[0][0])


def forget(db: Db) -> None:
    """Drop all orders: whoever gave them waits no longer. Done when the agent starts, which may be after a reboot."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM door_orders")
