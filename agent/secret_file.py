"""A file with one secret: written whole or not at all, for its owner only, never over another."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ConfigError

_MODE = 0o600
_LONGEST = 1024  # bytes, of a file that may hold one


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file holds, for the messages."""

    name: str  # "the site's key"
    setting: str  # where the configuration names the file: "[security] key_file"


def read(path: Path, kind: Kind) -> str | None:
    """Returns the text of a file; None where there is no such file.

    Raises:
        ConfigError: it cannot be read, or others may read it.
    """
    with told(path, "read", kind):
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(_LONGEST)
        except FileNotFoundError:
            return None
    if mode & 0o077:
        raise ConfigError(f"{path}: others than its owner may use {kind.name}: run chmod 600 {path}")
    return data.decode("ascii", "replace")


def create(path: Path, text: str, kind: Kind) -> None:
    """Makes a file of one line; it is on the disk when this returns. Root leaves it to whom the folder belongs to.

    Raises:
        ConfigError: it cannot be made, or there is one already, which is left as it is.
    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    with told(path, "make", kind):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _fill(fresh, text)
            try:
                os.link(fresh, path)  # unlike a rename, it fails where there is one
            except FileExistsError as error:
                raise ConfigError(f"{path} is there already, and {kind.name} is never overwritten") from error
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(path)


def sync_folder(path: Path) -> None:
    """Puts on the disk which files are beside `path`."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems sync no folders
            os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def told(path: Path, doing: str, kind: Kind) -> Iterator[None]:
    """Says what could not be done to a file, and what helps."""
    try:
        yield
    except OSError as error:
        advice = "let this user read it" if error.errno in {errno.EACCES, errno.EPERM} else f"see {kind.setting}"
        raise ConfigError(f"{path}: cannot {doing} {kind.name}: {error.strerror}: {advice}") from error


def _fill(file: Path, text: str) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        folder = file.parent.stat()
        if os.geteuid() == 0 and folder.st_uid != 0:
            os.fchown(opened, folder.st_uid, folder.st_gid)
        os.write(opened, f"{text}\n".encode())
        os.fsync(opened)
    finally:
        os.close(opened)
