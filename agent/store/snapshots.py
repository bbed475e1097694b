"""Copies of the whole database as it is at one moment, and what a copy that came back has to know of meanwhile."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from agent.errors import StoreError
from agent.store.admins import ELSEWHERE
from agent.store.db import Db
from agent.store.faults import files_translated, translated
from agent.store.migrations import APPLICATION_ID, STEPS
from agent.store.times import to_text

PAGES: Final = 4096  # of 4 KiB: 16 MiB between two looks
GAP: Final = 1_000_000
"""By which the numbers of events jump: those after the backup are known to others, and none is given out twice."""


def snapshot(
    db: Db, into: Path, progress: Callable[[int, int], object] = lambda _left, _of: None, *, pages: int = PAGES
) -> int:
    """Copy the database into a file of its own, for its owner only; return its bytes.

    Others go on writing meanwhile: the copy is of the moment at which it began, for the database is read in one
    transaction (https://sqlite.org/backup.html, https://sqlite.org/isolation.html), and takes a few pages of memory.

    Args:
        db: to be copied; not inside a transaction.
        into: the file.
        progress: told how many pages are left, and of how many; what it raises ends the copying.
        pages: copied at a time.
    """
    with files_translated(into):
        into.unlink(missing_ok=True)
        into.touch(mode=0o600)
    with translated(db.path), closing(sqlite3.connect(into, isolation_level=None)) as copy:
        db.sql.execute("BEGIN")
        try:
            db.sql.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment
            db.sql.backup(copy, pages=pages, progress=lambda _status, left, of: progress(left, of))
        finally:
            db.sql.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    with files_translated(into), into.open("rb+") as file:
        os.fsync(file.fileno())
        return file.seek(0, os.SEEK_END)


def schema_version() -> int:
    """Return the version of the tables that this Latchkey makes."""
    return len(STEPS)


def version_of(path: Path) -> int:
    """Return the version of the tables in a file.

    Raises:
        StoreError: it is no database of ours.
    """
    with translated(path), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as sql:
        if sql.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{path} is no database of Latchkey")
        return int(sql.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def beside(db: Db, other: Path) -> Iterator[None]:
    """Let queries see the tables of another database of the same version, as `other.<table>`."""
    with translated(other):
        db.sql.execute("ATTACH ? AS other", (str(other),))
    try:
        yield
    finally:
        db.sql.execute("DETACH other")


def go_on_numbering(db: Db, *, known: bool) -> None:
    """Let the numbers of events go on after those that others may know; inside a transaction, once.

    Args:
        db: that came back.
        known: the database before it is `other`.
    """
    before = 0
    if known:
        rows = db.rows("SELECT seq FROM other.sqlite_sequence WHERE name = 'events'")
        before = rows[0][0] if rows else 0
    db.sql.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events')"
    )
    db.sql.execute("UPDATE sqlite_sequence SET seq = max(seq + ?, ?) WHERE name = 'events'", (GAP, before))


def keep_events(db: Db) -> int:
    """Take over from `other` the events since, and which were sent; return how many. Before anything is written.

    Nothing where `other` is not a continuation of `db`: these are another device's.
    """
    if not _continued(db):
        return 0
    db.sql.execute(
        "UPDATE main.events SET sent_at = o.sent_at, published_at = o.published_at FROM other.events AS o"
        " WHERE o.id = events.id AND events.sent_at IS NULL"
    )
    return db.sql.execute(
        "INSERT OR IGNORE INTO main.events SELECT * FROM other.events WHERE seq >"
        " coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'events'), 0) ORDER BY seq"
    ).rowcount


def keep_punches(db: Db) -> int:
    """Take over from `other` the punches and corrections since, as `keep_events`; return how many punches."""
    if not _continued(db):
        return 0
    taken = {table: _take_newer(db, table) for table in ("punches", "corrections")}
    return taken["punches"]


def _take_newer(db: Db, table: str) -> int:
    columns = ", ".join(
        name for (name,) in db.rows("SELECT name FROM pragma_table_info(?)", (table,)) if name != "number"
    )
    return db.sql.execute(
        f"INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM other.{table}"  # noqa: S608 - ours
        f" WHERE number > coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = '{table}'), 0) ORDER BY number"
    ).rowcount


def keep_answers(db: Db, since: datetime) -> int:
    """Take over from `other` the commands that were carried out since, so that none is again; return how many."""
    return db.sql.execute(
        "INSERT OR IGNORE INTO commands (id, verb, result, at, until)"
        " SELECT id, verb, result, at, until FROM other.commands WHERE at >= ? ORDER BY number",
        (to_text(since),),
    ).rowcount


def keep_job(db: Db, job_id: str) -> None:
    """Take over a job from `other`."""
    columns = ", ".join(name for (name,) in db.rows("SELECT name FROM pragma_table_info('jobs')") if name != "number")
    db.sql.execute(
        f"INSERT OR REPLACE INTO jobs ({columns}) SELECT {columns} FROM other.jobs WHERE id = ?",  # noqa: S608 - ours
        (job_id,),
    )


def keep_admins(db: Db) -> int:
    """Take over from `other` whose keys count, and which are revoked; return how many are revoked by that.

    So an owner who has rotated since the backup, and revoked the old key by that, stays an owner.
    """
    revoked = db.sql.execute(
        "UPDATE admins SET revoked_at = o.revoked_at, revoked_by = o.revoked_by FROM other.admins AS o"
        " WHERE o.id = admins.id AND o.revoked_at IS NOT NULL"
        " AND (admins.revoked_at IS NULL OR admins.revoked_by = ? AND o.revoked_by != ?)",
        (ELSEWHERE, ELSEWHERE),
    ).rowcount
    db.sql.execute("INSERT OR IGNORE INTO admins SELECT * FROM other.admins")
    return revoked


def keep_device_keys(db: Db) -> None:
    """Take over from `other` by which keys other devices are believed: one that was replaced since does not come back.

    Where `other` is no continuation of `db`, those that it does not know stay.
    """
    if _continued(db):
        db.sql.execute("DELETE FROM main.device_keys")
    db.sql.execute("INSERT OR REPLACE INTO main.device_keys SELECT * FROM other.device_keys")


def keep_accounts(db: Db) -> None:
    """Take over from `other` who may sign in: a password that was changed since does not come back, nor does somebody.

    Where `other` is no continuation of `db`, accounts that it does not know stay. A second factor that another key has
    sealed is kept where it is the same as in `db`, and has to be set again where it is not.
    """
    if _continued(db):
        db.sql.execute("DELETE FROM main.accounts WHERE name NOT IN (SELECT name FROM other.accounts)")
    same_key = bool(db.rows("SELECT 1 FROM main.sealing AS m JOIN other.sealing AS o ON m.key = o.key"))
    ours = dict(db.rows("SELECT name || ' ' || factor_at, secret FROM main.accounts WHERE secret IS NOT NULL"))
    db.sql.execute("INSERT OR REPLACE INTO main.accounts SELECT * FROM other.accounts")
    if not same_key:
        found = db.rows("SELECT name, factor_at FROM other.accounts WHERE secret IS NOT NULL")
        secrets = [(ours.get(f"{name} {factor_at}"), name) for name, factor_at in found]
        db.sql.executemany("UPDATE main.accounts SET secret = ? WHERE name = ?", secrets)
    db.sql.execute("DELETE FROM recovery_codes WHERE account IN (SELECT name FROM other.accounts)")
    db.sql.execute("INSERT INTO main.recovery_codes SELECT * FROM other.recovery_codes")
    if _continued(db):
        db.sql.execute("DELETE FROM main.screens")
    db.sql.execute("INSERT OR REPLACE INTO main.screens SELECT * FROM other.screens")


def missing_receipts(db: Db) -> list[str]:
    """Return the ids of the receipts that `other` holds and `db` does not, in their order."""
    found = db.rows("SELECT id FROM other.receipts WHERE id NOT IN (SELECT id FROM main.receipts) ORDER BY rowid")
    return [receipt for (receipt,) in found]


def take_receipt(db: Db, receipt: str) -> tuple[str, str]:
    """Take over a receipt from `other`; return whose it is, and its rule. Inside a transaction."""
    db.sql.execute("INSERT INTO receipts SELECT * FROM other.receipts WHERE id = ?", (receipt,))
    person, rule = db.rows("SELECT person, rule FROM receipts WHERE id = ?", (receipt,))[0]
    return person, rule


def gone(db: Db) -> list[str]:
    """Return who is in `db` and no more in `other`; nobody where `other` is not a continuation of `db`."""
    if not _continued(db):
        return []
    found = db.rows(
        "SELECT id FROM main.people WHERE id NOT IN (SELECT id FROM other.people)"
        " AND id NOT IN (SELECT was FROM other.former_ids) ORDER BY id"
    )
    return [person for (person,) in found]


def _continued(db: Db) -> bool:
    """Whether `other` is a continuation of `db`: it has the last row of the audit of `db` in its own."""
    last = db.rows("SELECT number, hash FROM main.audit ORDER BY number DESC LIMIT 1")
    return bool(last and db.rows("SELECT 1 FROM other.audit WHERE number = ? AND hash = ?", last[0]))
