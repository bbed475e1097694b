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
from agent.store.steps import (
    accounts,
    attendance,
    audit,
    commands,
    events,
    following,
    history,
    jobs,
    models,
    outbox,
    people,
    register,
    roster,
    rules,
    sealing,
    signatures,
    signed,
    trust,
)

APPLICATION_ID = 0x4C4B4559  # "LKEY", in the file's header: https://sqlite.org/fileformat2.html#application_id

Step: TypeAlias = tuple[str, ...]

STEPS: tuple[Step, ...] = tuple(
    step.STEP
    for step in (
        people,
        events,
        commands,
        register,
        rules,
        attendance,
        audit,
        sealing,
        trust,
        jobs,
        roster,
        outbox,
        models,
        following,
        accounts,
        history,
        signatures,
        signed,
    )
)


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
