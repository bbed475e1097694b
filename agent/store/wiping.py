"""Emptying what must not fall into wrong hands."""

from __future__ import annotations

from typing import Final

from agent.store.db import Db
from agent.store.places import columns

TABLES: Final = (
    *("templates", "signatures", "pins", "cards", "sealing", "standings", "events", "commands", "jobs"),
    *("accounts", "sign_in_failures", "screens"),  # with the rows that belong to an account
)
_KEEP: Final = {"events": "kind <> 'alarm' OR sent_at IS NOT NULL"}
_UNREAD: Final = (
    "UPDATE roster_objects SET waiting = NULL WHERE waiting IS NOT NULL",
    (
        "UPDATE roster_objects SET code = 'other_site_key', problem = 'the device was wiped, and its site key with it'"
        " WHERE ours AND object LIKE 'person/%'"
    ),
    "UPDATE roster_state SET cursor = 0",
)
"""What came from the roster is in force no more, is told so, and is read again."""


def wipe(db: Db) -> dict[str, int]:
    """Delete all rows of the tables that hold faces, secrets and the log; return how many of each.

    Alarms that the broker does not have yet stay: one of them says why there is nothing else.
    """
    there = {table for table, _ in columns(db)}
    with db.transaction() as sql:
        for statement in _UNREAD if "roster_objects" in there else ():
            sql.execute(statement)
        return {
            table: sql.execute(f"DELETE FROM {table} WHERE {_KEEP.get(table, 'true')}").rowcount  # noqa: S608 - ours
            for table in TABLES
            if table in there
        }
