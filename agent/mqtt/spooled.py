"""The files of the parts that wait: `<folder>/<command id>/<number>-<SHA-256>`, each sealed with the site's key."""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from agent.mqtt.topics import ID_PATTERN
from agent.seal.sealing import OVERHEAD, BrokenSealError, Seal, belonging

_FILE: Final = re.compile(r"([1-9][0-9]{0,3})-([0-9a-f]{64})")
_ID: Final = re.compile(ID_PATTERN)


class Piece(NamedTuple):
    """One part, by what it is."""

    number: int  # counted from 1
    sha256: str  # of what is in it

    @property
    def file(self) -> str:
        """Its name in the folder of its command."""
        return f"{self.number}-{self.sha256}"


def read_folder(folder: Path) -> dict[str, tuple[dict[Piece, int], float]]:
    """Returns what is here: by command id the bytes of each part, and seconds since the last of them.

    The folder is made where it is not there; what is in it and no part is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    found, now = {}, time.time()
    for path in sorted(folder.iterdir()):
        if not _ID.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
            remove_folder(path)
            continue
        pieces, ages = dict[Piece, int](), [float("inf")]
        for file in sorted(path.iterdir(), key=lambda each: each.lstat().st_mtime):
            named, told = _FILE.fullmatch(file.name), file.lstat()
            if named is None or file.is_symlink() or not file.is_file() or told.st_size < OVERHEAD:
                remove_folder(file)
                continue
            pieces[Piece(int(named[1]), named[2])] = told.st_size - OVERHEAD
            ages.append(max(0.0, now - told.st_mtime))  # a clock that was set back makes nothing older
        found[path.name] = pieces, min(ages)
    return found


def write_piece(folder: Path, command_id: str, piece: Piece, data: bytes, seal: Seal, *, free_bytes: int) -> None:
    """Keeps a part: all of it or nothing.

    Args:
        folder: of the spool.
        command_id: whose part.
        piece: which one.
        data: what is in it.
        seal: of the site.
        free_bytes: have to be left on the disk afterwards.

    Raises:
        OSError: there is no room, or no disk.
    """
    if shutil.disk_usage(folder).free < len(data) + free_bytes:
        raise OSError(f"fewer than {free_bytes} bytes would be left on the disk")
    home = folder / command_id
    home.mkdir(mode=0o700, exist_ok=True)
    unfinished = home / f"{piece.file}.new"
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(seal.close(data, _belongs(command_id, piece)))
        unfinished.replace(home / piece.file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def take_out(folder: Path, command_id: str, piece: Piece, seal: Seal) -> bytes | None:
    """Returns what is in a part; None where it is not here, or was changed."""
    try:
        return seal.open((folder / command_id / piece.file).read_bytes(), _belongs(command_id, piece))
    except (OSError, BrokenSealError):
        return None


def remove_folder(path: Path) -> None:
    """Removes a file or a folder; what cannot be removed stays."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _belongs(command_id: str, piece: Piece) -> bytes:
    return belonging("parts", command_id, piece.file)
