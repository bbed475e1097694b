"""Backups that wait to be fetched over MQTT, part by part: encrypted files in a folder of their own, for an hour.

Who fetches asks for each part, and so again for one that was lost; the device answers as to any command.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent.backup.leftovers import OUTGOING
from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.topics import ID_PATTERN

PART_BYTES: Final = 128 * 1024  # 171 KiB in base64: small brokers take no more than 256 KiB
KEEP_SECONDS: Final = 3600.0  # after the last part was asked for


def file_of(config: Config, command_id: str) -> Path:
    """Returns where the backup of a command is, or is to be."""
    return config.device.data_dir / OUTGOING / f"{command_id}.backup"


def parts(size: int) -> int:
    """Returns how many parts a file of so many bytes has."""
    return max(1, -(-size // PART_BYTES))


def read_part(file: Path, number: int) -> bytes:
    """Returns a part, counted from 1."""
    with file.open("rb") as source:
        source.seek((number - 1) * PART_BYTES)
        return source.read(PART_BYTES)


def waiting(config: Config, command_id: str) -> Path:
    """Returns the backup of a command; it is kept for another while.

    Raises:
        CommandError: there is none (any more).
    """
    sweep(config)
    file = file_of(config, command_id)
    try:
        if not re.fullmatch(ID_PATTERN, command_id):
            raise FileNotFoundError(file)
        os.utime(file)
    except OSError:
        raise CommandError(
            Code.NO_BACKUP, f"there is no backup {command_id}: it was none, or nobody has fetched it for an hour"
        ) from None
    return file


def described(file: Path) -> dict[str, Any]:
    """Returns what has to be known to fetch a file, as JSON values."""
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    size = file.stat().st_size
    return {"bytes": size, "part_bytes": PART_BYTES, "parts": parts(size), "sha256": digest}


def sweep(config: Config, *, but: str | None = None, older_seconds: float = KEEP_SECONDS) -> None:
    """Removes what nobody has asked for; with `but`, all others than that of this command."""
    folder = config.device.data_dir / OUTGOING
    for file in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another thread was first
            old = time.time() - file.stat().st_mtime > older_seconds
            if old or (but is not None and file != file_of(config, but)):
                file.unlink()
