"""Puts a backup that was laid ready in the place of what is there: all of it, whatever happens in between.

For each file: what is there ──► before-restore/, what was laid ready ──► its place

A power cut leaves the folder `restoring`; whoever starts calls `finish`, which goes on where it was. What is still in
`restoring` is not in its place, and what is in its place meanwhile is old.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.backup.content import CONFIGURATION, DATABASE, DEVICE_KEY, SITE_KEY
from agent.backup.leftovers import BEFORE, PART, STAGED
from agent.backup.meanwhile import Restored, learn
from agent.backup.staging import Note, discard, read_note
from agent.config import Config
from agent.device_key import key_path as device_key_path
from agent.errors import BackupError, ConfigError, LatchkeyError
from agent.owned import leave_to_owner, sync, write_private
from agent.register import Request
from agent.seal import key_file
from agent.seal.keyring import find_key, given_key, key_path
from agent.store.db import agent_lock, open_db
from agent.upgrade.in_force import models_folder

log = logging.getLogger(__name__)

BESIDE: Final = "agent.toml.restored"  # where the configuration's own folder is not for us to write to
_BLOCK: Final = 2**20  # bytes, copied at a time
_LOGS: Final = ("-wal", "-shm", "-journal")  # of SQLite: they belong to the old database


def finish(config: Config, configuration: Path | None) -> Restored | None:
    """Puts in place what was laid ready; None where nothing was. Read the configuration again afterwards.

    Args:
        config: where everything is.
        configuration: its file, if there is one.

    Raises:
        StoreError: an agent uses the database.
        BackupError: something cannot be put in its place; it is tried again the next time.
    """
    data = config.device.data_dir
    if not (data / STAGED).is_dir():
        if (data / PART).is_dir():  # what was cut short, or was being removed
            with agent_lock(config.database_path):
                shutil.rmtree(data / PART, ignore_errors=True)
        return None
    with agent_lock(config.database_path):
        staged = data / STAGED
        note = read_note(staged)
        request = Request(note.by, datetime.now(UTC), note.boot_id, note.command_id)
        done = Restored(note, before=True, forgotten=0, revoked=0)
        if (database := staged / DATABASE).exists():
            done = _learnt(database, config, note, request)
        try:
            _put(staged, config, configuration)
            _clear(data)
        except OSError as error:
            if error.strerror is None:
                raise
            raise BackupError(f"{error.filename}: cannot be restored: {error.strerror}: start again") from error
    log.warning(
        "restored: the backup of %s, made at %s; %d people forgotten again", note.device, note.made_at, done.forgotten
    )
    return done


def pending(config: Config) -> bool:
    """Returns whether something waits to be put in place."""
    return (config.device.data_dir / STAGED).is_dir()


def _learnt(database: Path, config: Config, note: Note, request: Request) -> Restored:
    """The database that comes back, brought up to date. Where that fails, nothing is in its place yet: all is left."""
    try:
        with open_db(database, create=False, key=key_file.read(database.with_name(SITE_KEY))) as db:
            return learn(db, config.database_path, config, note, request)
    except LatchkeyError as error:
        if config.database_path.exists():  # else the device is between the two: only forwards leads out
            discard(config)
        raise BackupError(f"the backup cannot be brought up to date: {error}") from error


def _put(staged: Path, config: Config, configuration: Path | None) -> None:
    """Each file in its place. The database comes last but one, its key before it: what waits is asked by its key."""
    before = staged.parent / BEFORE
    before.mkdir(exist_ok=True, mode=0o700)
    models = staged / "models"
    for folder in sorted(models.iterdir()) if models.is_dir() else ():
        _swap(folder, models_folder(config) / folder.name, before / "models" / folder.name)
    _swap(staged / DEVICE_KEY, device_key_path(config), before / DEVICE_KEY)
    if (staged / SITE_KEY).exists() and given_key() is None:
        _swap(staged / SITE_KEY, key_path(config), before / SITE_KEY)
    if (staged / DATABASE).exists():
        for end in _LOGS:
            log_file = config.database_path.with_name(f"{config.database_path.name}{end}")
            if log_file.exists():
                _move(log_file, before / f"{DATABASE}{end}")
        _swap(staged / DATABASE, config.database_path, before / DATABASE)
    if (staged / CONFIGURATION).exists() and configuration is not None:
        _configure(staged, configuration, before)
    found = find_key(config)
    with open_db(config.database_path, create=False, key=None if found is None else found.key):
        pass  # it opens with its key, or says why not while what was before is still there


def _configure(staged: Path, configuration: Path, before: Path) -> None:
    source, there = staged / CONFIGURATION, configuration.stat() if configuration.exists() else None
    if not os.access(configuration.parent, os.W_OK):
        log.warning("%s is not ours to write: the configuration of the backup is in %s", configuration, BESIDE)
        _swap(source, staged.parent / BESIDE, before / BESIDE)
        return
    if there is not None:  # its readers stay its readers
        source.chmod(stat.S_IMODE(there.st_mode))
        if os.geteuid() == 0:
            os.chown(source, there.st_uid, there.st_gid)
    _swap(source, configuration, before / CONFIGURATION)


def _swap(source: Path, target: Path, before: Path) -> None:
    """Puts `source` in the place of `target`, which goes to `before`; does nothing where that is done."""
    if not source.exists():
        return
    before.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.exists():
        if before.is_dir():
            shutil.rmtree(before)
        _move(target, before)
    if source.name != CONFIGURATION:
        leave_to_owner(source, target.parent)
    _move(source, target)


def _move(source: Path, target: Path) -> None:
    """Renames; from one file system to another by a copy that appears whole."""
    if source.stat().st_dev == target.parent.stat().st_dev:
        source.replace(target)
    else:
        fresh = target.with_name(f".{target.name}.new")
        fresh.unlink(missing_ok=True)
        _copy(source, fresh)
        fresh.replace(target)
        sync(target.parent)
        source.unlink()
    sync(target.parent)
    sync(source.parent)


def _copy(source: Path, fresh: Path) -> None:
    """Copies a file that others may not read, not for a moment either; it belongs to whom the other does."""
    with source.open("rb") as data:
        write_private(fresh, lambda: data.read(_BLOCK))
        there = os.fstat(data.fileno())
    if os.geteuid() == 0:
        os.chown(fresh, there.st_uid, there.st_gid)
    fresh.chmod(stat.S_IMODE(there.st_mode))


def _clear(data: Path) -> None:
    """Removes what was before, the keys overwritten. `restoring` goes last: until then this is done again."""
    for key in (data / BEFORE / SITE_KEY, data / STAGED / SITE_KEY):
        try:
            key_file.wipe(key)
        except ConfigError as error:
            log.warning("an old key stays: %s", error)
    for folder in (BEFORE, PART):
        shutil.rmtree(data / folder, ignore_errors=True)
    (data / STAGED).rename(data / PART)  # at once, where removing takes a while
    sync(data)
    shutil.rmtree(data / PART, ignore_errors=True)
