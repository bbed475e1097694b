"""What is kept of people beside their faces: changes of it, their groups, and the ids they had before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from agent.store.db import Db

COLUMNS: Final = frozenset(
    {"name", "badge", "state", "valid_from", "valid_to", "left_at", "factors", "extended", "visitor", "notes"}
)
"""Of the table of people, that may be set."""


def update(db: Db, person: str, values: Mapping[str, object]) -> None:
    """Set columns of a person who is there.

    Args:
        db: the database.
        person: their id.
        values: by column, each as it is stored.
    """
    if strange := values.keys() - COLUMNS:
        raise ValueError(f"people have no {', '.join(sorted(strange))}")
    if values:
        settings = ", ".join(f"{column} = ?" for column in values)
        with db.transaction() as sql:
            sql.execute(f"UPDATE people SET {settings} WHERE id = ?", (*values.values(), person))  # noqa: S608 - ours


def set_groups(db: Db, person: str, groups: Iterable[str]) -> None:
    """Put a person who is there into these groups and no others."""
    with db.transaction() as sql:
        sql.execute("DELETE FROM memberships WHERE person = ?", (person,))
        sql.executemany("INSERT INTO memberships VALUES (?, ?)", [(person, group) for group in sorted(set(groups))])


def group_counts(db: Db) -> dict[str, int]:
    """Return how many people are in each group, by name, in order."""
    return dict(db.rows('SELECT "group", count(*) FROM memberships GROUP BY "group" ORDER BY "group"'))


def holder_of_badge(db: Db, badge: str) -> str | None:
    """Return the id of whoever has this badge number, or None."""
    rows = db.rows("SELECT id FROM people WHERE badge = ?", (badge,))
    return rows[0][0] if rows else None


def current_id(db: Db, was: str) -> str | None:
    """Return the id of whoever had the id `was` before, by a rename or a merge; None where nobody had."""
    rows = db.rows("SELECT person FROM former_ids WHERE was = ?", (was,))
    return rows[0][0] if rows else None


def ids_of(db: Db, person: str) -> tuple[str, ...]:
    """Return the id of a person and all that they had before: what events may call them."""
    rows = db.rows("SELECT was FROM former_ids WHERE person = ? ORDER BY was", (person,))
    return (person, *(row[0] for row in rows))
