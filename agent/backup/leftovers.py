"""What backups leave on the disk where they are cut short: copies of the database that nobody would forget from."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from agent.config import Config

OUTGOING: Final = "outgoing"  # backups that wait to be fetched, encrypted
PART: Final = "restore.part"  # a backup that is being opened
STAGED: Final = "restoring"  # one that is whole, and waits for the next start
BEFORE: Final = "before-restore"  # what was in its place
_SNAPSHOT: Final = re.compile(r"\.snapshot-([0-9]+)\.db(-journal)?")


def snapshot_file(config: Config, process: int) -> Path:
    """Returns where a process copies the database to while it makes a backup."""
    return config.device.data_dir / f".snapshot-{process}.db"


def clear(config: Config, *, starting: bool = False) -> None:
    """Removes the copies of processes that are no more. When the agent starts, and now and then.

    Args:
        config: where they are.
        starting: this process has made none as yet: one of its number is of before a reboot.
    """
    for file, process in _snapshots(config):
        if not Path(f"/proc/{process}").exists() or (starting and process == os.getpid()):
            file.unlink(missing_ok=True)


def destroy(config: Config) -> list[Path]:
    """Removes everything that a wipe must not leave: copies, backups that wait; returns what is still there."""
    folders = [config.device.data_dir / name for name in (OUTGOING, STAGED, PART, BEFORE)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for file, _ in _snapshots(config):
        file.unlink(missing_ok=True)
    return [folder for folder in folders if folder.exists()]


def _snapshots(config: Config) -> list[tuple[Path, int]]:
    data = config.device.data_dir
    found = ((file, _SNAPSHOT.fullmatch(file.name)) for file in (data.iterdir() if data.is_dir() else ()))
    return [(file, int(match[1])) for file, match in found if match]
