"""The book of the service that keeps the roster: of each object the last document, and who changed it when."""

from __future__ import annotations

from dataclasses import dataclass

from agent.store.db import Db

KEEP_VERSIONS = 100
"""Of one object, in the history: who changed it and when, never what it was."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as it is kept."""

    object: str
    seq: int
    version: int
    target: str
    leaf: bytes
    stub: str  # JSON: the document without its body
    document: str  # JSON


@dataclass(frozen=True, slots=True)
class Change:
    """One version in the history of an object."""

    seq: int
    version: int
    key: str  # id of the key that signed it
    issued: str
    gone: bool


@dataclass(frozen=True, slots=True)
class State:
    """How much there is."""

    seq: int
    tally: bytes


_COLUMNS = "object, seq, version, target, leaf, stub, document"


def state(db: Db) -> State:
    """Return how much there is."""
    return State(*db.rows("SELECT seq, tally FROM book_state")[0])


def find(db: Db, object_: str) -> Entry | None:
    """Return the present document of an object, also its tombstone."""
    rows = db.rows(f"SELECT {_COLUMNS} FROM book WHERE object = ?", (object_,))  # noqa: S608 - ours
    return Entry(*rows[0]) if rows else None


def after(db: Db, seq: int, limit: int) -> list[Entry]:
    """Return the first `limit` documents with higher numbers, from the lowest."""
    query = f"SELECT {_COLUMNS} FROM book WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - ours
    return [Entry(*row) for row in db.rows(query, (seq, limit))]


def named(db: Db, prefix: str, after_object: str, limit: int) -> list[Entry]:
    """Return the first `limit` documents of objects whose names begin so and come after one, by name."""
    query = f"SELECT {_COLUMNS} FROM book WHERE object > ? AND substr(object, 1, ?) = ? ORDER BY object LIMIT ?"  # noqa: S608 - ours
    return [Entry(*row) for row in db.rows(query, (max(after_object, prefix[:-1]), len(prefix), prefix, limit))]


def put(db: Db, entry: Entry, change: Change, tally: bytes) -> None:
    """Keep a document in place of the one before. In a transaction with what led to it."""
    with db.transaction() as sql:
        sql.execute(
            f"INSERT OR REPLACE INTO book ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (entry.object, entry.seq, entry.version, entry.target, entry.leaf, entry.stub, entry.document),
        )
        sql.execute(
            "INSERT INTO book_history VALUES (?, ?, ?, ?, ?, ?)",
            (change.seq, entry.object, change.version, change.key, change.issued, change.gone),
        )
        sql.execute(
            "DELETE FROM book_history WHERE object = ?1 AND seq <= (SELECT seq FROM book_history WHERE object = ?1"
            " ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
            (entry.object, KEEP_VERSIONS),
        )
        sql.execute("UPDATE book_state SET seq = ?, tally = ?", (entry.seq, tally))


def skip_to(db: Db, seq: int) -> None:
    """Number what comes from now on above `seq`: after a restored backup."""
    with db.transaction() as sql:
        sql.execute("UPDATE book_state SET seq = max(seq, ?)", (seq,))


def history(db: Db, object_: str, limit: int) -> list[Change]:
    """Return the last `limit` versions of an object, the newest first."""
    query = "SELECT seq, version, key, issued, gone FROM book_history WHERE object = ? ORDER BY seq DESC LIMIT ?"
    return [
        Change(seq, version, key, issued, bool(gone))
        for seq, version, key, issued, gone in db.rows(query, (object_, limit))
    ]
