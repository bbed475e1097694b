"""The tables, as numbered steps. A step that has been released is never changed: a new one follows it.

`PRAGMA user_version` holds the number of the last step done. Each is one transaction with its number, so that a crash
leaves the version before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from agent.errors import StoreError

APPLICATION_ID = 0x4C4B4559  # "LKEY", in the file's header: https://sqlite.org/fileformat2.html#application_id

Step: TypeAlias = tuple[str, ...]

_BUMP = "BEGIN UPDATE gallery SET version = version + 1; END"

PEOPLE: Step = (
    "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, enrolled_at TEXT NOT NULL) STRICT",
    """
    CREATE TABLE templates (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ascends with time
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 4 = 0),  -- float32, little-endian
        face_px REAL NOT NULL,
        sharpness REAL NOT NULL,
        yaw REAL NOT NULL,
        exposure REAL NOT NULL,
        contrast REAL NOT NULL,
        added_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX templates_of_person ON templates (person, model)",
    "CREATE TABLE gallery (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT",
    "INSERT INTO gallery VALUES (1, 0)",
    *(
        f"CREATE TRIGGER gallery_{change}_{table} AFTER {change} ON {table} {_BUMP}"
        for table in ("people", "templates")
        for change in ("insert", "update", "delete")
    ),
)
EVENTS: Step = (
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, also when the newest were deleted
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body)),
        sent_at TEXT  -- NULL until the broker has acknowledged it: the outbox
    ) STRICT
    """,
    "CREATE INDEX events_unsent ON events (seq) WHERE sent_at IS NULL",
    "CREATE INDEX events_sent ON events (sent_at) WHERE sent_at IS NOT NULL",
)
COMMANDS: Step = (
    """
    CREATE TABLE commands (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        verb TEXT NOT NULL,
        result TEXT NOT NULL CHECK (json_valid(result)),
        at TEXT NOT NULL
    ) STRICT
    """,
)
STEPS: tuple[Step, ...] = (PEOPLE, EVENTS, COMMANDS)


def migrate(sql: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Do the steps that the database has not seen.

    Raises:
        StoreError: it has seen more than there are.
    """
    while (version := _version(sql)) < len(steps):
        sql.execute("BEGIN IMMEDIATE")
        try:
            if _version(sql) == version:  # no other process was quicker
                for statement in steps[version]:
                    sql.execute(statement)
                sql.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                sql.execute(f"PRAGMA user_version = {version + 1}")
            sql.execute("COMMIT")
        except BaseException:
            if sql.in_transaction:
                sql.execute("ROLLBACK")
            raise
    if version > len(steps):
        raise StoreError(
            f"{path} was made by a newer Latchkey: its version is {version}, this one wants {len(steps)} or older. "
            "Install the newer one again, or choose another path"
        )


def _version(sql: sqlite3.Connection) -> int:
    return int(sql.execute("PRAGMA user_version").fetchone()[0])
