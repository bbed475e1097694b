"""The receipts of deletions: that a person was forgotten, and nothing else of the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ulid import ULID

from agent.store.db import Db
from agent.store.times import from_text, to_text

_COLUMNS = 'id, at, person, "by", command_id, rule, reason, what'


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was deleted, when, by whom, under which rule."""

    id: str  # a ULID
    at: datetime
    person: str
    by: str
    command_id: str | None
    rule: str  # "asked", "removed", "left", "visitor"
    reason: str  # in the words of who asked, may be empty
    what: Mapping[str, Any]  # counts: "deleted", "pseudonymised", "kept", each by table


def add(
    db: Db,
    *,
    at: datetime,
    person: str,
    by: str,
    command_id: str | None,
    rule: str,
    reason: str,
    what: Mapping[str, Any],
) -> Receipt:
    """Note a deletion, in its transaction."""
    receipt = Receipt(
        str(ULID.from_timestamp(max(at.timestamp(), 0.0))), at, person, by, command_id, rule, reason, what
    )
    with db.transaction() as sql:
        sql.execute(
            f"INSERT INTO receipts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (receipt.id, to_text(at), person, by, command_id, rule, reason, json.dumps(what)),
        )
    return receipt


def recent(db: Db, limit: int = -1, *, person: str | None = None) -> list[Receipt]:
    """Return the last `limit` receipts, in order; -1 is all. With `person` only theirs."""
    return _select(db, "WHERE ?1 IS NULL OR person = ?1 ORDER BY rowid DESC LIMIT ?2", person, limit)[::-1]


def of_command(db: Db, command_id: str) -> Receipt | None:
    """Return the receipt that a command has left, or None."""
    return next(iter(_select(db, "WHERE command_id = ?", command_id)), None)


def get(db: Db, which: str) -> Receipt | None:
    """Return the receipt with this id, or the last one of this person, or None."""
    return next(iter(_select(db, "WHERE id = ?1 OR person = ?1 ORDER BY rowid DESC", which)), None)


def before(db: Db, at: datetime) -> list[Receipt]:
    """Return those that are older than `at`."""
    return _select(db, "WHERE at < ? ORDER BY rowid", to_text(at))


def delete(db: Db, at: datetime) -> int:
    """Forget those that are older than `at`; return how many."""
    with db.transaction() as sql:
        return sql.execute("DELETE FROM receipts WHERE at < ?", (to_text(at),)).rowcount


def _select(db: Db, clauses: str, *parameters: object) -> list[Receipt]:
    rows = db.rows(f"SELECT {_COLUMNS} FROM receipts {clauses}", parameters)  # noqa: S608 - ours
    return [
        Receipt(id_, from_text(at), person, by, command_id, rule, reason, json.loads(what))
        for id_, at, person, by, command_id, rule, reason, what in rows
    ]
