"""What SQLite and the file system complain about, as errors that say what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_RESTORE = "move it away and restore a backup, or start with an empty one"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise StoreError or StoreFull for what SQLite says inside about `path`, ValueError for rows it refuses."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ValueError(f"the database refuses this: {error}") from error
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OverflowError as error:  # a number beyond SQLite's 64 bits
        raise StoreError(f"{path}: a number is too large for the database: want at most {2**63 - 1}") from error
    except UnicodeEncodeError as error:  # from the command line, where a byte that is no UTF-8 is a lone surrogate
        raise StoreError(f"{path}: a text that is no UTF-8 cannot be in the database: write it in UTF-8") from error


@contextmanager
def files_translated(path: Path) -> Iterator[None]:
    """Raise StoreError or StoreFull for what the file system says inside about `path`."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        kind = StoreFull if error.errno in _FULL else StoreError
        raise kind(f"{path}: {error.strerror or error}: want a file in a folder that this user may write to") from error


def _explained(error: sqlite3.Error, path: Path) -> StoreError:
    # The low byte is the primary result code: https://sqlite.org/rescode.html
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"{path}: {error}: free some space on its disk")
        case sqlite3.SQLITE_IOERR:
            return StoreFull(f"{path}: {error}: the disk is full or failing; look at `dmesg` and `df`")
        case sqlite3.SQLITE_NOTADB:
            return StoreError(f"{path} is not a database, or its start is damaged: {_RESTORE}")
        case sqlite3.SQLITE_CORRUPT:
            return StoreError(f"{path} is damaged ({error}): {_RESTORE}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(f"{path}: another program has kept the database locked for too long: close it")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreError(f"{path}: {error}: the file and its folder must be writable by the user who runs this")
    return StoreError(f"{path}: {error}")
