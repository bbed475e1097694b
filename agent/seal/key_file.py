"""The file of the site's key: written whole or not at all, for its owner only, never over another key.

While a new key takes the place of the old one, it waits beside it in `site.key.<id>`; which of the two counts says the
database, in the transaction that seals everything anew. See `agent.seal.reissue`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.errors import ConfigError
from agent.seal.keys import KEY_BYTES, SiteKey

_MODE = 0o600
_ID = re.compile(r"[0-9a-f]{8}")
_LONGEST = 16 * KEY_BYTES  # bytes, of a file that may hold one


def read(path: Path) -> SiteKey | None:
    """Returns the key in a file; None where there is no such file.

    Raises:
        ConfigError: it cannot be read, others may read it, or it holds none.
    """
    with _told(path, "read"):
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(_LONGEST)
        except FileNotFoundError:
            return None
    if mode & 0o077:
        raise ConfigError(f"{path}: others than its owner may use the site's key: run chmod 600 {path}")
    return SiteKey.parse(data.decode("ascii", "replace"), str(path))


def write(path: Path, key: SiteKey) -> None:
    """Makes a key file; it is on the disk when this returns. Root leaves it to whom the folder belongs to.

    Raises:
        ConfigError: it cannot be made, or there is one already, which is left as it is.
    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    with _told(path, "make"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _fill(fresh, key)
            try:
                os.link(fresh, path)  # unlike a rename, it fails where there is one
            except FileExistsError as error:
                raise ConfigError(
                    f"{path} is there already, and a site key is never overwritten: see latchkey keys"
                ) from error
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(path)


def stage(path: Path, key: SiteKey) -> None:
    """Lays the next key beside the one in `path`."""
    staged = _staged(path, key.id)
    if read(staged) != key:
        write(staged, key)


def staged(path: Path) -> dict[str, SiteKey]:
    """Returns the keys that wait beside `path`, by id."""
    found = {}
    for file in _beside(path):
        if _ID.fullmatch(file.name.removeprefix(f"{path.name}.")):
            key = read(file)
            if key is not None and file == _staged(path, key.id):
                found[key.id] = key
    return found


def clear(path: Path) -> None:
    """Removes what a crash has left of the making of a key file; while nobody else makes one."""
    with _told(path, "tidy up beside"):
        for file in _beside(path):
            if file.name.endswith(".new"):
                file.unlink(missing_ok=True)  # not overwritten: it may be the same file as the finished one


def promote(path: Path, key: SiteKey) -> None:
    """Puts the staged key in the place of the one in `path`, whose bytes are overwritten."""
    with _told(path, "change"):
        old = _opened(path)
        try:
            _staged(path, key.id).replace(path)
            _sync_folder(path)
            if old is not None:
                _blank(old)
        finally:
            if old is not None:
                os.close(old)


def wipe(path: Path) -> bool:
    """Overwrites and removes a key file; returns whether there was one.

    Flash keeps what was overwritten for a while, where no file system reaches it: `deploy/SECURITY.md`.
    """
    with _told(path, "wipe"):
        file = _opened(path)
        if file is None:
            return False
        try:
            _blank(file)
        finally:
            os.close(file)
        path.unlink(missing_ok=True)
        _sync_folder(path)
    return True


def files(path: Path) -> list[Path]:
    """Returns every file that may hold a key: the one in `path`, and what waits or was left beside it."""
    return [path, *(file for file in _beside(path) if file.name.endswith(".new") or _ID.fullmatch(file.name[-8:]))]


def wipe_staged(path: Path, key: SiteKey) -> None:
    """The same for a key that waits."""
    wipe(_staged(path, key.id))


def _beside(path: Path) -> list[Path]:
    if not path.parent.is_dir():
        return []
    return sorted(file for file in path.parent.iterdir() if file.name.startswith(f"{path.name}."))


def _staged(path: Path, key_id: str) -> Path:
    return path.with_name(f"{path.name}.{key_id}")


def _fill(file: Path, key: SiteKey) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        folder = file.parent.stat()
        if os.geteuid() == 0 and folder.st_uid != 0:
            os.fchown(opened, folder.st_uid, folder.st_gid)
        os.write(opened, f"{key.text}\n".encode())
        os.fsync(opened)
    finally:
        os.close(opened)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _blank(file: int) -> None:
    os.pwrite(file, bytes(os.fstat(file).st_size), 0)
    os.fsync(file)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some file systems sync no folders
            os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _told(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "let this user read it" if error.errno in {errno.EACCES, errno.EPERM} else "see [security] key_file"
        raise ConfigError(f"{path}: cannot {doing} the site's key: {error.strerror}: {advice}") from error
