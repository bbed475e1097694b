"""Opening the database, and its transactions.

    with open_db(path) as db, db.transaction() as sql:
        sql.execute(...)

A `Db` is used by one thread at a time; several may be open on one file, also in other processes.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from agent.errors import StoreError
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.store.faults import files_translated, translated
from agent.store.folding import add_casefold
from agent.store.migrations import APPLICATION_ID, migrate
from agent.store.sealing import bind

log = logging.getLogger(__name__)

BUSY_SECONDS = 5.0
CLOSE_SECONDS = 1.0
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables

# FULL: a commit is on the disk when it returns. secure_delete: what is deleted is overwritten with zeros.
_PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "journal_size_limit = 4194304")

_WHOLE = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
_PART = ("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part", "RELEASE part")
_creation = threading.Lock()


class Db:
    """An open database. Make it with `open_db`."""

    def __init__(self, path: Path, sql: sqlite3.Connection, seal: Seal | None = None) -> None:
        self.path = path
        self.sql = sql
        self._seal = seal
        self._wipe_due = self._vacuum_due = False
        self._in_use = (
            threading.RLock()
        )  # a thread that was not ready to stop may still be in a query when it is closed

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what happens inside, or nothing of it. Inside another transaction it is a part of that one."""
        with self._in_use, translated(self.path):
            outermost = not self.sql.in_transaction
            begin, end, *undo = _WHOLE if outermost else _PART
            self.sql.execute(begin)
            try:
                yield self.sql
                self.sql.execute(end)
            except BaseException:
                if self.sql.in_transaction:  # SQLite itself rolls back when the disk is full
                    with suppress(sqlite3.Error):
                        for statement in undo:
                            self.sql.execute(statement)
                raise
        if outermost and self._vacuum_due:
            self.vacuum()
        if outermost and self._wipe_due:
            self.wipe_log()

    @property
    def seal(self) -> Seal:
        """What templates are sealed and opened with.

        Raises:
            StoreError: the database was opened without the site's key.
        """
        if self._seal is None:
            raise StoreError(f"{self.path} was opened without the site's key, which templates are sealed with")
        return self._seal

    def rows(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows that `query` selects."""
        with self._in_use, translated(self.path):
            return self.sql.execute(query, parameters).fetchall()

    def each(self, query: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the same one by one, so that they need not all be in memory."""
        with translated(self.path):
            yield from self.sql.execute(query, parameters)

    def wipe_log(self) -> bool:
        """Empty the write-ahead log, so that what was deleted is gone from it too; inside a transaction, after it.

        Return whether it is empty now.
        """
        self._wipe_due = True
        if self.sql.in_transaction:
            return False
        try:
            busy = bool(self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0])
        except StoreError as error:
            log.warning("emptying the write-ahead log failed: %s", error)
            return False
        self._wipe_due = busy
        if busy:  # somebody has been reading for BUSY_SECONDS: tried again after the next transaction, and on closing
            log.warning("what was deleted stays in %s-wal while another program reads", self.path)
        return not busy

    def vacuum(self) -> None:
        """Write the file anew, so that nothing is left in the gaps between rows; inside a transaction, after it.

        `secure_delete` overwrites what is deleted, but rows that SQLite has moved before may have left copies. It takes
        as much free space again as the file has; where there is none, the file stays as it is and that is logged.
        """
        self._vacuum_due = True
        if self.sql.in_transaction:
            return
        self._vacuum_due = False
        try:
            self.rows("VACUUM")
        except StoreError as error:
            log.warning("writing the database anew failed: %s", error)
            return
        self.wipe_log()

    def check(self) -> None:
        """Read every page, or raise StoreError."""
        found = [row[0] for row in self.rows("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            raise StoreError(f"{self.path} is damaged ({found[0]}): move it away and restore a backup")

    def counts(self) -> dict[str, int]:
        """Return how many rows each table holds."""
        import sqlite_utils  # takes longer to load than the rest of the agent: only who asks waits

        with translated(self.path):
            tables = sqlite_utils.Database(self.sql).tables
            return {table.name: table.count for table in tables if not table.name.startswith("sqlite_")}

    def close(self) -> None:
        """Close; more than once does no harm. The last one out of a file removes its write-ahead log.

        A connection that is in use by a thread that does not end stays open: the process does not survive it by long.
        """
        if self._in_use.acquire(timeout=CLOSE_SECONDS):
            self.sql.close()
            self._in_use.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_db(path: Path, *, create: bool = True, key: SiteKey | None = None) -> Db:
    """Return the database at `path`, made or brought up to date where needed.

    Args:
        path: the SQLite file.
        create: make it where there is none.
        key: the site's, see `agent.seal.keyring`; without it there is everything but templates and the key of cards.

    Raises:
        StoreError: it is not there and `create` is false, not ours, damaged, of a newer version, or sealed with
            another key.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: want 3.37 or newer")
    with files_translated(path):
        if not create and not path.exists():
            raise StoreError(f"there is no database at {path}: start the agent once, or enrol somebody")
        _make_private(path)
    with translated(path):
        # The thread that closes is not always the one that worked
        sql = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        add_casefold(sql)
    db = Db(path, sql, None if key is None else Seal(key))
    try:
        with translated(path):
            _set_up(db)
        if key is not None:
            bind(db)
    except BaseException:
        db.close()
        raise
    return db


def _make_private(path: Path) -> None:
    """Let nobody but the owner read the file; SQLite gives its log the same mode.

    A file that exists is not opened here: closing it would drop the locks that this process's other connections have
    on it (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    with _creation:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _set_up(db: Db) -> None:
    db.sql.execute("BEGIN")  # both looks at one state: another process may be making the tables just now
    application = db.rows("PRAGMA application_id")[0][0]
    foreign = application != APPLICATION_ID and (application or db.rows("SELECT 1 FROM sqlite_schema"))
    db.sql.execute("COMMIT")
    if foreign:
        raise StoreError(f"{db.path} is the database of another program: choose another path")
    for pragma in _PRAGMAS:
        db.sql.execute(f"PRAGMA {pragma}")
    migrate(db.sql, db.path)
    mode = db.rows("PRAGMA journal_mode")[0][0]
    if mode != "wal":
        mode = db.rows("PRAGMA journal_mode = WAL")[0][0]
    if mode != "wal":
        raise StoreError(f"{db.path}: its file system cannot share memory (SQLite's WAL): choose a local disk")


@contextmanager
def agent_lock(path: Path) -> Iterator[None]:
    """Keep a second agent off the database at `path`; the command line does not ask.

    Raises:
        StoreError: another agent has it.
    """
    lock = path.with_name(path.name + ".lock")
    with files_translated(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise StoreError(
                f"another agent (process {holder}) uses {path}: stop it, or choose another path"
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)  # which releases it. The file stays: removing it would race with the next agent
