"""Everything that is kept of a person under another id: a new one, or that of somebody they are the same as."""

from __future__ import annotations

from typing import Final

from agent.store.db import Db
from agent.store.signatures import move_signatures
from agent.store.templates import move_templates

_TABLES: Final = (
    "memberships", "consents", "pins", "cards", "former_ids",
    "punches", "corrections", "rosters", "standings", "undone",  # these outlive the person
)  # fmt: skip
_COLUMNS: Final = "name, enrolled_at, badge, state, valid_from, valid_to, left_at, factors, extended, visitor, notes"


def rename(db: Db, person: str, to: str) -> None:
    """Give a person who is there an id that nobody has; the old one is kept as a former id."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM former_ids WHERE was = ?", (to,))  # back to what it was
        copied = sql.execute(f"SELECT {_COLUMNS} FROM people WHERE id = ?", (person,)).fetchone()  # noqa: S608 - ours
        sql.execute("UPDATE people SET badge = NULL WHERE id = ?", (person,))  # only one can have it
        places = ", ".join("?" * (1 + len(copied)))
        sql.execute(f"INSERT INTO people (id, {_COLUMNS}) VALUES ({places})", (to, *copied))  # noqa: S608 - ours
        merge(db, person, to)


def merge(db: Db, person: str, into: str) -> None:
    """Give what belongs to `person` to `into` and forget `person`, whose id is kept as a former id.

    Where there can be only one of anything, such as a PIN or an hour of a roster, that of `into` stays. Of the
    templates of a model the newest stay.
    """
    with db.transaction() as sql:
        move_templates(db, person, into)
        move_signatures(db, person, into)
        for table in _TABLES:
            sql.execute(f"UPDATE OR IGNORE {table} SET person = ? WHERE person = ?", (into, person))  # noqa: S608 - ours
            sql.execute(f"DELETE FROM {table} WHERE person = ?", (person,))  # noqa: S608 - ours
        sql.execute(  # known here since the earlier of the two: hours are planned from then on
            "UPDATE people SET enrolled_at = (SELECT min(enrolled_at) FROM people WHERE id IN (?1, ?2)) WHERE id = ?2",
            (person, into),
        )
        sql.execute("DELETE FROM people WHERE id = ?", (person,))
        sql.execute("INSERT INTO former_ids VALUES (?, ?)", (person, into))
        db.wipe_log()
