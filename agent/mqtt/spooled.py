"""The parts that wait, and their files: `<folder>/<command id>/<number>-<SHA-256>`, sealed with the site's key."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from agent.mqtt.topics import ID_PATTERN
from agent.owned import put_whole
from agent.seal.sealing import OVERHEAD, BrokenSealError, Seal, belonging

FOLDER: Final = "parts"  # in data_dir
FREE_BYTES: Final = 64 * 2**20  # of the disk, left to what happens at the door
FREE_SHARE: Final = 1 / 16  # or this share of it, where that is less
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


@dataclass(slots=True)
class Batch:
    """The parts of one command."""

    pieces: dict[Piece, int] = field(default_factory=dict)  # bytes of each, the oldest first
    touched: float = 0.0  # monotonic seconds
    wanted: tuple[str, ...] | None = None  # announced: the hashes, in order
    held: bool = False  # of a job that was accepted

    def wants(self, piece: Piece) -> bool:
        """Whether a part is what was announced, if anything was."""
        number = piece.number
        return self.wanted is None or (number <= len(self.wanted) and self.wanted[number - 1] == piece.sha256)


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


def write_piece(folder: Path, command_id: str, piece: Piece, data: bytes, seal: Seal) -> None:
    """Keeps a part: all of it or nothing.

    Args:
        folder: of the spool.
        command_id: whose part.
        piece: which one.
        data: what is in it.
        seal: of the site.

    Raises:
        OSError: there is no room, or no disk.
    """
    disk = shutil.disk_usage(folder)
    left = min(FREE_BYTES, int(disk.total * FREE_SHARE))
    if disk.free < len(data) + left:
        raise OSError(f"fewer than {left} bytes would be left on the disk")
    home = folder / command_id
    home.mkdir(mode=0o700, exist_ok=True)
    put_whole(home / piece.file, seal.close(data, _belongs(command_id, piece)))


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
