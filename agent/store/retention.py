"""When old things were last forgotten, and which attendance and people are old; of events see `agent.store.events`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from agent.privacy.night import Past
from agent.store.db import Db
from agent.store.times import from_text, to_text

_OLD: Final = {  # a punch that has been corrected since stays: a clock that was not set may have said 1970
    "punches": "at < ?1 AND id NOT IN (SELECT punch FROM corrections WHERE punch IS NOT NULL AND made_at >= ?1)",
    "corrections": "made_at < ?1 AND coalesce(at, made_at) < ?1",
    "rosters": "ends_at < ?1",
}


def past(db: Db) -> Past:
    """Return when old things were last forgotten."""
    ran, doubted = db.rows("SELECT ran_at, doubted_at FROM retention")[0]
    return Past(from_text(ran) if ran else None, from_text(doubted) if doubted else None)


def note_run(db: Db, at: datetime) -> None:
    """Note that old things were forgotten."""
    with db.transaction() as sql:
        sql.execute("UPDATE retention SET ran_at = ?, doubted_at = NULL", (to_text(at),))


def note_doubt(db: Db, at: datetime) -> None:
    """Note that the clock was not believed."""
    with db.transaction() as sql:
        sql.execute("UPDATE retention SET doubted_at = ?", (to_text(at),))


def old_attendance(db: Db, before: datetime) -> int:
    """Return how many punches, corrections and hours of rosters are older than `before`."""
    return sum(
        int(db.rows(f"SELECT count(*) FROM {table} WHERE {old}", (to_text(before),))[0][0])  # noqa: S608 - ours
        for table, old in _OLD.items()
    )


def delete_attendance(db: Db, before: datetime) -> int:
    """Delete those; return how many."""
    with db.transaction() as sql:
        return sum(
            sql.execute(f"DELETE FROM {table} WHERE {old}", (to_text(before),)).rowcount  # noqa: S608 - ours
            for table, old in _OLD.items()
        )


def people_who_left(db: Db, before: datetime) -> list[str]:
    """Return who left before `before`."""
    rows = db.rows("SELECT id FROM people WHERE state = 'left' AND left_at < ? ORDER BY id", (to_text(before),))
    return [person for (person,) in rows]


def visitors_whose_hours_ended(db: Db, before: datetime) -> list[str]:
    """Return the visitors whose hours ended before `before`."""
    # <=: from this instant on they are no longer valid
    rows = db.rows("SELECT id FROM people WHERE visitor AND valid_to <= ? ORDER BY id", (to_text(before),))
    return [person for (person,) in rows]
