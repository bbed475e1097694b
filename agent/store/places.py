"""Where the database holds what belongs to a person, and what becomes of it when the person is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from agent.store.db import Db


class Fate(StrEnum):
    """What becomes of the rows that a column names a person in."""

    DELETED = "deleted"  # they are about the person alone
    ATTENDANCE = "attendance"  # as the configuration says: [retention] forget_attendance
    ACTOR = "actor"  # they are about another, and name who did it: a pseudonym takes the place
    REWRITTEN = "rewritten"  # JSON that may name people anywhere: agent.store.traces
    CHAINED = "chained"  # rows of the audit: agent.store.audit.erase
    RECEIPT = "receipt"  # says that the person was forgotten, and stays for that
    NOBODY = "nobody"  # is called as a column of people is, and holds none


PLACES: Final[dict[tuple[str, str], Fate]] = {
    ("people", "id"): Fate.DELETED,
    ("templates", "person"): Fate.DELETED,
    ("signatures", "person"): Fate.DELETED,
    ("memberships", "person"): Fate.DELETED,
    ("consents", "person"): Fate.DELETED,
    ("consents", "by"): Fate.ACTOR,
    ("pins", "person"): Fate.DELETED,
    ("cards", "person"): Fate.DELETED,
    ("former_ids", "person"): Fate.DELETED,
    ("undone", "person"): Fate.DELETED,
    ("undone", "by"): Fate.ACTOR,
    ("standings", "person"): Fate.DELETED,
    ("rulebook", "by"): Fate.ACTOR,
    ("door", "by"): Fate.ACTOR,
    ("punches", "person"): Fate.ATTENDANCE,
    ("punches", "by"): Fate.NOBODY,  # how the type was found
    ("corrections", "person"): Fate.ATTENDANCE,
    ("corrections", "by"): Fate.ACTOR,
    ("rosters", "person"): Fate.ATTENDANCE,
    ("events", "body"): Fate.REWRITTEN,
    ("commands", "result"): Fate.REWRITTEN,
    ("jobs", "data"): Fate.REWRITTEN,
    ("audit", "subject"): Fate.CHAINED,
    ("audit", "by"): Fate.CHAINED,
    ("receipts", "person"): Fate.RECEIPT,
    ("receipts", "by"): Fate.ACTOR,
}
"""By table and column. A test holds this against the tables there are: a new column `person` or `by` has to be here."""

FORMER: Final = ("former_ids", "was")
NAMES_OF_COLUMNS: Final = frozenset({"person", "by", "subject", "who", "companion"})


def columns(db: Db) -> list[tuple[str, str]]:
    """Return the table and name of every column that there is."""
    return db.rows(
        "SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_info(s.name) AS c"
        " WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' ORDER BY s.name, c.cid"
    )


def places(db: Db, *fates: Fate) -> list[tuple[str, str]]:
    """Return the columns of these fates that this database has; a column `person` that is not known is of DELETED."""
    found = []
    for table, column in columns(db):
        fate = PLACES.get((table, column), Fate.DELETED if column == "person" else None)
        if fate in fates:
            found.append((table, column))
    # The person last: what references it goes before
    return sorted(found, key=lambda place: place == ("people", "id"))


def ids_of(db: Db, person: str) -> list[str]:
    """Return a person's id and those they had before, but for one that is another's by now."""
    if FORMER not in columns(db):
        return [person]
    former = db.rows("SELECT was FROM former_ids WHERE person = ? AND was NOT IN (SELECT id FROM people)", (person,))
    return [person, *(was for (was,) in former if was != person)]


def count(db: Db, ids: Sequence[str], *fates: Fate) -> dict[str, int]:
    """Return how many rows of each table name one of `ids` in columns of these fates, where there are any."""
    counts: dict[str, int] = {}
    for table, column in places(db, *fates):
        number = int(db.rows(f'SELECT count(*) FROM "{table}" WHERE "{column}" {_among(ids)}', ids)[0][0])  # noqa: S608 - ours
        if number:
            counts[table] = counts.get(table, 0) + number
    return counts


def rows(db: Db, table: str, column: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a table that name one of `ids` in a column, by column, in the order in which they came."""
    names = [name for where, name in columns(db) if where == table]
    chosen = ", ".join(f'"{name}"' for name in names)
    found = db.rows(f'SELECT {chosen} FROM "{table}" WHERE "{column}" {_among(ids)}', ids)  # noqa: S608 - ours
    return [dict(zip(names, row, strict=True)) for row in found]


def delete(db: Db, ids: Sequence[str], *fates: Fate) -> dict[str, int]:
    """Delete the rows that name one of `ids` in columns of these fates; return how many by table."""
    counts = count(db, ids, *fates)
    with db.transaction() as sql:
        for table, column in places(db, *fates):
            sql.execute(f'DELETE FROM "{table}" WHERE "{column}" {_among(ids)}', ids)  # noqa: S608 - ours
    return counts


def replace(db: Db, ids: Sequence[str], pseudonym: str, *fates: Fate) -> dict[str, int]:
    """Put a pseudonym in the place of `ids` in columns of these fates; return how many by table."""
    counts = count(db, ids, *fates)
    with db.transaction() as sql:
        for table, column in places(db, *fates):
            # OR REPLACE: the same hour of a roster under two former ids
            sql.execute(
                f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE "{column}" {_among(ids)}',  # noqa: S608 - ours
                [pseudonym, *ids],
            )
    return counts


def _among(ids: Sequence[str]) -> str:
    return f"IN ({', '.join('?' * len(ids))})"
