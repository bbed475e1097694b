"""The text of the rules, and those before: the newest is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.store.db import Db
from agent.store.times import from_text, to_text

KEEP = 50
"""Versions, counted with the one in force."""


@dataclass(frozen=True, slots=True)
class Edition:
    """Rules as they were given."""

    version: int  # 1, 2, 3: never reused
    text: str  # TOML
    at: datetime  # UTC, when they came into force
    by: str  # who gave them


def rules_version(db: Db) -> int:
    """Return the version in force, 0 where none were ever given; it changes whichever process changes the rules."""
    return int(db.rows("SELECT coalesce(max(version), 0) FROM rulebook")[0][0])


def rules_in_force(db: Db) -> Edition | None:
    """Return the rules in force; None where none were ever given."""
    return _one(db, "ORDER BY version DESC LIMIT 1")


def rules_of(db: Db, version: int) -> Edition | None:
    """Return the rules of a version; None where there is none, or none any more."""
    return _one(db, "WHERE version = ?", version)


def rules_history(db: Db) -> list[Edition]:
    """Return the last `KEEP` versions, the newest first."""
    return [_edition(row) for row in db.rows("SELECT version, text, at, by FROM rulebook ORDER BY version DESC")]


def add_rules(db: Db, text: str, by: str, at: datetime) -> int:
    """Put other rules in force and return their version; the oldest beyond `KEEP` are forgotten.

    Args:
        db: the database.
        text: TOML that has been found right.
        by: who gives them.
        at: now.
    """
    with db.transaction() as sql:
        row = sql.execute("INSERT INTO rulebook (text, at, by) VALUES (?, ?, ?)", (text, to_text(at), by))
        version = int(row.lastrowid or 0)
        sql.execute("DELETE FROM rulebook WHERE version <= ?", (version - KEEP,))
    return version


def _one(db: Db, clause: str, *parameters: int) -> Edition | None:
    rows = db.rows(f"SELECT version, text, at, by FROM rulebook {clause}", parameters)  # noqa: S608 - ours
    return _edition(rows[0]) if rows else None


def _edition(row: tuple[Any, ...]) -> Edition:
    version, text, at, by = row
    return Edition(version, text, from_text(at), by)
