"""The file of the site's key: written whole or not at all, for its owner only, never over another key.

While a new key takes the place of the old one, it waits beside it in `site.key.<id>`; which of the two counts says the
database, in the transaction that seals everything anew. See `agent.seal.reissue`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from agent import secret_file
from agent.seal.keys import SiteKey
from agent.secret_file import sync_folder, told

_KIND = secret_file.Kind("the site's key", "[security] key_file")
_ID = re.compile(r"[0-9a-f]{8}")


def read(path: Path) -> SiteKey | None:
    """Returns the key in a file; None where there is no such file.

    Raises:
        ConfigError: it cannot be read, others may read it, or it holds none.
    """
    text = secret_file.read(path, _KIND)
    return None if text is None else SiteKey.parse(text, str(path))


def write(path: Path, key: SiteKey) -> None:
    """Makes a key file; it is on the disk when this returns. Root leaves it to whom the folder belongs to.

    Raises:
        ConfigError: it cannot be made, or there is one already, which is left as it is.
    """
    secret_file.create(path, key.text, _KIND)


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
    with told(path, "tidy up beside", _KIND):
        for file in _beside(path):
            if file.name.endswith(".new"):
                file.unlink(missing_ok=True)  # not overwritten: it may be the same file as the finished one


def promote(path: Path, key: SiteKey) -> None:
    """Puts the staged key in the place of the one in `path`, whose bytes are overwritten."""
    with told(path, "change", _KIND):
        old = _opened(path)
        try:
            _staged(path, key.id).replace(path)
            sync_folder(path)
            if old is not None:
                _blank(old)
        finally:
            if old is not None:
                os.close(old)


def wipe(path: Path) -> bool:
    """Overwrites and removes a key file; returns whether there was one.

    Flash keeps what was overwritten for a while, where no file system reaches it: `deploy/SECURITY.md`.
    """
    with told(path, "wipe", _KIND):
        file = _opened(path)
        if file is None:
            return False
        try:
            _blank(file)
        finally:
            os.close(file)
        path.unlink(missing_ok=True)
        sync_folder(path)
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


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _blank(file: int) -> None:
    os.pwrite(file, bytes(os.fstat(file).st_size), 0)
    os.fsync(file)
