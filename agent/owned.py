"""Files that are for one user alone, and on the disk when it is said so."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def leave_to_owner(path: Path, folder: Path) -> None:
    """Gives what root has made, a file or a folder with all in it, to the owner of another folder."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for each in (path, *(path.rglob("*") if path.is_dir() else ())):
            os.chown(each, owner.st_uid, owner.st_gid)


def write_private(path: Path, parts: Callable[[], bytes]) -> None:
    """Writes a file that only its owner may read; it is on the disk when this returns.

    Args:
        path: a new file.
        parts: returns the next bytes, none at the end.
    """
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(opened, "wb") as file:
        while data := parts():
            file.write(data)
        file.flush()
        os.fsync(opened)


def write_whole(path: Path, data: bytes) -> None:
    """The same of bytes that are at hand."""
    parts = iter((data, b""))
    write_private(path, lambda: next(parts))


def put_whole(path: Path, data: bytes) -> None:
    """Lets a file that only its owner may read hold `data`: all of it or nothing, and not on the disk at once.

    Raises:
        OSError: there is no room, or no disk.
    """
    unfinished = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def sync(folder: Path) -> None:
    """Has a folder written: what was renamed in it stays so."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
