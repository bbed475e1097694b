"""The rows of the audit: appended, erased in part, removed from the front; never changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, fields
from datetime import datetime
from typing import Any, cast

from typing_extensions import TypedDict

from agent.privacy.chain import (
    ERASED,
    ERASED_BY,
    FORGOTTEN,
    NOBODY,
    START,
    Anchor,
    Break,
    Row,
    at_text,
    canonical,
    first_break,
    link,
)
from agent.store.db import Db


class RowTold(TypedDict):
    """A row of the audit; who, or what it is about, is null with its salt once erased."""

    number: int  # 1, 2, 3
    at: str
    boot_id: str
    action: str
    by: str | None
    by_salt: str | None
    by_digest: str
    subject: str | None
    command_id: str | None
    details: dict[str, Any]  # by the action: see MQTT.md; none once erased
    about_salt: str | None
    about_digest: str
    hash: str


_COLUMNS = ", ".join(f'"{field.name}"' for field in fields(Row))
_PAGE = 1000  # rows read at once
LONGEST_BY = 80  # characters


def append(
    db: Db,
    *,
    at: datetime,
    boot_id: str,
    action: str,
    by: str,
    subject: str | None,
    command_id: str | None,
    details: Mapping[str, object],
) -> tuple[Anchor, Row]:
    """Add a row to the chain, in the transaction of the change; return what it follows, and itself.

    Raises:
        ValueError: `details` is not JSON, or `by` is no short text.
    """
    if not (by.isprintable() and 0 < len(by) <= LONGEST_BY):
        raise ValueError(f"who asks is told in 1 to {LONGEST_BY} printable characters, got {by[:100]!r}")
    text = canonical(dict(details))
    with db.transaction() as sql:
        before = head(db)
        row = link(
            before, at=at, boot_id=boot_id, action=action, by=by, subject=subject, command_id=command_id, details=text
        )
        places = ", ".join("?" * len(fields(Row)))
        sql.execute(f"INSERT INTO audit ({_COLUMNS}) VALUES ({places})", astuple(row))  # noqa: S608 - ours
    return before, row


def head(db: Db) -> Anchor:
    """Return the last row's number and hash."""
    rows = db.rows("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
    return Anchor(*rows[0]) if rows else start(db)


def start(db: Db) -> Anchor:
    """Return the number and hash of the last row that was removed from the front."""
    rows = db.rows("SELECT number, hash FROM audit_anchor")
    return Anchor(*rows[0]) if rows else START


def since(db: Db, number: int = 0, limit: int = _PAGE) -> list[Row]:
    """Return the first `limit` rows beyond `number`, in order."""
    return _rows(db, "WHERE number > ? ORDER BY number LIMIT ?", number, limit)


def recent(db: Db, limit: int) -> list[Row]:
    """Return the last `limit` rows, in order."""
    return _rows(db, "ORDER BY number DESC LIMIT ?", limit)[::-1]


def everything(db: Db) -> Iterator[Row]:
    """Yield all rows, page by page, in order."""
    # Not by `number > last`: a row whose number was tampered with is yielded too
    page = since(db, -(2**63), _PAGE)
    while page:
        yield from page
        page = since(db, page[-1].number, _PAGE)


def verify(db: Db, known: Anchor | None = None) -> Break | None:
    """Return the first row that does not fit, or None; `known` is a row as it was told outside."""
    own = not db.sql.in_transaction
    if own:
        db.sql.execute("BEGIN")  # the start and all rows as of one moment
    try:
        return first_break(everything(db), start(db), known)
    finally:
        if own:
            db.sql.execute("COMMIT")


def about(db: Db, person: str) -> list[Row]:
    """Return the rows that a person did, or that are about the person, or name the person in their details."""
    if person in NOBODY:
        return []
    return _rows(
        db,
        'WHERE "by" = ? OR subject = ? OR instr(details, ?) AND EXISTS'
        " (SELECT 1 FROM json_tree(details) WHERE type = 'text' AND (atom = ? OR \"key\" = ?)) ORDER BY number",
        *[person] * 5,
    )


def erase(db: Db, person: str) -> dict[str, list[int]]:
    """Erase who did it and what it is about where that is `person`; return the numbers of these rows, by key.

    The rows that say that the person was forgotten stay whole, as long as the receipts.

    The caller says them under these keys, `agent.privacy.chain.ERASED` and `ERASED_BY`, in a row of its own, in the
    same transaction.
    """
    rows = [row for row in about(db, person) if row.action != FORGOTTEN]
    done = [row.number for row in rows if row.by == person]
    concerned = [row.number for row in rows if row.by != person or row.subject == person]
    with db.transaction() as sql:
        sql.executemany('UPDATE audit SET "by" = NULL, by_salt = NULL WHERE number = ?', [(each,) for each in done])
        erase_about(db, concerned)
    return {ERASED: concerned, ERASED_BY: done}


def erase_about(db: Db, numbers: Sequence[int]) -> None:
    """Erase what these rows are about; see `erase`."""
    with db.transaction() as sql:
        sql.executemany(
            "UPDATE audit SET subject = NULL, command_id = NULL, details = NULL, about_salt = NULL WHERE number = ?",
            [(each,) for each in numbers],
        )


def prunable(db: Db, before: datetime) -> Anchor | None:
    """Return the last row of the front that is older than `before`, or None where there is none."""
    rows = db.rows(
        "SELECT number, hash FROM audit WHERE number < coalesce((SELECT min(number) FROM audit WHERE at >= ?), 1 << 62)"
        " ORDER BY number DESC LIMIT 1",
        (at_text(before),),
    )
    return Anchor(*rows[0]) if rows else None


def prune(db: Db, to: Anchor) -> int:
    """Remove the rows up to `to`; return how many. The caller says so in a row, in the same transaction."""
    with db.transaction() as sql:
        sql.execute("INSERT OR REPLACE INTO audit_anchor VALUES (1, ?, ?)", (to.number, to.hash))
        return sql.execute("DELETE FROM audit WHERE number <= ?", (to.number,)).rowcount


def details(row: Row) -> dict[str, Any]:
    """Return the details of a row; empty once erased."""
    return dict(json.loads(row.details)) if row.details is not None else {}


def as_json(row: Row) -> RowTold:
    """Return a row as JSON values; with `previous`, the hash of the row before, it can be checked."""
    return cast("RowTold", {**asdict(row), "details": details(row)})


def _rows(db: Db, clauses: str, *parameters: object) -> list[Row]:
    return [Row(*row) for row in db.rows(f"SELECT {_COLUMNS} FROM audit {clauses}", parameters)]  # noqa: S608 - ours
