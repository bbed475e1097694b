"""The answers to commands, so that one that comes twice is answered twice and carried out once."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.store.db import Db
from agent.store.times import to_text

KEEP = 10_000
"""At least so many, however old: a clock that jumps must not let an old command be carried out again."""
MOST = 100_000
"""Beyond so many no command is taken until some are forgotten: they are what their senders let live for long."""
LONGER = timedelta(hours=1)  # than a command may be carried out: clocks are set
EVERY = 64  # commands between two looks at what can be forgotten


def recall(db: Db, command_id: str) -> str | None:
    """Return the answer to a command that was carried out, or begun, as JSON, or None."""
    rows = db.rows("SELECT result FROM commands WHERE id = ?", (command_id,))
    return str(rows[0][0]) if rows else None


def begin(db: Db, command_id: str, verb: str, result_json: str, at: datetime, *, until: datetime | None) -> None:
    """Note a command that is about to be carried out, with the answer if that is never known to be done."""
    _note(db, (command_id, verb, result_json, to_text(at), _text(until), 1))


def remember(
    db: Db,
    command_id: str,
    verb: str,
    result_json: str,
    at: datetime,
    *,
    until: datetime | None = None,
    keep: int = KEEP,
) -> None:
    """Note the answer to a command; the first one stays.

    Forgotten are those that nobody could send again, by the clock, once there are `keep` later ones. In one transaction
    with what the command changed, a crash in between cannot carry it out twice.

    Args:
        db: the database.
        command_id: new, or begun.
        verb: of the command.
        result_json: the answer.
        at: now.
        until: when the command can be carried out no more; None: from the start.
        keep: how many stay in any case.
    """
    with db.transaction() as sql:
        _note(db, (command_id, verb, result_json, to_text(at), _text(until), 0))
        number = sql.execute("SELECT max(number) FROM commands").fetchone()[0]
        if number % min(EVERY, keep) == 0:
            sql.execute(
                "DELETE FROM commands WHERE number <= ? AND coalesce(until, '') < ?",
                (number - keep, to_text(at - LONGER)),
            )


def count(db: Db) -> int:
    """Return how many are remembered."""
    return int(db.rows("SELECT count(*) FROM commands")[0][0])


def _note(db: Db, row: tuple[object, ...]) -> None:
    command_id, _, result, *_, begun = row
    with db.transaction() as sql:
        there = sql.execute("SELECT begun FROM commands WHERE id = ?", (command_id,)).fetchone()
        if there is None:
            sql.execute("INSERT INTO commands (id, verb, result, at, until, begun) VALUES (?, ?, ?, ?, ?, ?)", row)
        elif there[0]:
            sql.execute("UPDATE commands SET result = ?, begun = ? WHERE id = ?", (result, begun, command_id))


def _text(until: datetime | None) -> str | None:
    return None if until is None else to_text(until)
