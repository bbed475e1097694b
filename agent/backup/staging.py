"""Opens a backup and lays its files beside those in use, checked: nothing is in its place yet.

    restore.part   being written; of no account
    restoring      whole and checked, with `restore.json`, who asked: the next start puts it in place

The one becomes the other by being renamed, so that a power cut leaves either nothing or all of it.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agent.backup.content import CONFIGURATION, DATABASE, SITE_KEY, Manifest, read_manifest
from agent.backup.leftovers import PART, STAGED
from agent.backup.making import STEP
from agent.backup.stream import Opened
from agent.config import Config
from agent.device_key import key_path as device_key_path
from agent.errors import BackupError, ConfigError, StoreError
from agent.jobs.aside import Progress, quiet
from agent.owned import sync, write_private, write_whole
from agent.register import Request
from agent.seal import key_file
from agent.seal.keyring import given_key, key_path
from agent.store.db import open_db
from agent.store.sealing import holds_sealed, sealed_by
from agent.store.snapshots import schema_version, version_of

NOTE: Final = "restore.json"


class Note(BaseModel):
    """Who restores what: what has to be known at the next start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(max_length=80)]
    at: AwareDatetime
    boot_id: str
    command_id: str | None = None
    made_at: AwareDatetime  # the backup
    software: str
    site: str
    device: str


def stage(
    source: Opened,
    config: Config,
    configuration: Path | None,
    request: Request,
    *,
    only_this_device: bool = False,
    progress: Progress = quiet,
) -> Manifest:
    """Lays a backup ready for the next start; what was laid ready before gives way.

    Args:
        source: the backup, opened.
        config: where its files are to go.
        configuration: the file to put the backup's configuration into; None: that is left out.
        request: who asks.
        only_this_device: refuse the backup of another.
        progress: told of bytes.

    Raises:
        BackupError: it is not whole, not of this device, newer than this Latchkey, or does not fit; nothing is laid.
    """
    part, staged = config.device.data_dir / PART, config.device.data_dir / STAGED
    with _told(part):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        try:
            manifest = read_manifest(source)
            _check_device(manifest, config, only=only_this_device)
            _lay(source, manifest, part, progress)
            if configuration is None:
                (part / CONFIGURATION).unlink(missing_ok=True)
            _check(part, manifest, config, configuration)
            _note(part, manifest, request)
            shutil.rmtree(staged, ignore_errors=True)
            part.rename(staged)
            sync(staged.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return manifest


def read_note(folder: Path) -> Note:
    """Returns who restores what."""
    return Note.model_validate_json((folder / NOTE).read_bytes())


def _lay(source: Opened, manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Writes the files, and looks that nothing is behind them."""
    total = sum(entry.size for entry in manifest.files)
    free = shutil.disk_usage(folder).free
    if free < total + STEP:
        raise BackupError(f"{folder}: {free >> 20} MiB are free, it takes {-(-total >> 20)}: free some space")
    done = 0
    for entry in manifest.files:
        left = entry.size

        def read() -> bytes:
            nonlocal left, done
            data = source.read(min(left, STEP))
            left -= len(data)
            done += len(data)
            progress(done, total, "opening")
            return data

        target = folder / entry.name  # of a few kinds: agent.backup.content
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(target, read)
        if left:
            raise BackupError(f"ends {left} bytes before the end of {entry.name}: it was not made by Latchkey")
    if source.read(1):
        raise BackupError("has more in it than it lists: it was not made by Latchkey")


def _check_device(manifest: Manifest, config: Config, *, only: bool) -> None:
    ours, its = (config.device.site, config.device.name), (manifest.site, manifest.device)
    if only and ours != its:
        raise BackupError(f"is of {'/'.join(its)}, this is {'/'.join(ours)}: send it to the device that it is of")
    if manifest.schema_version > schema_version():
        raise BackupError(
            f"was made by a newer Latchkey, {manifest.software}: this one knows databases up to version "
            f"{schema_version()}, that is {manifest.schema_version}: install the newer one first"
        )


def _check(folder: Path, manifest: Manifest, config: Config, configuration: Path | None) -> None:
    """Looks whether a device could run with these files."""
    database, key = folder / DATABASE, key_file.read(folder / SITE_KEY)
    try:
        if version_of(database) != manifest.schema_version:
            raise BackupError("holds a database of another version than it says: it was not made by Latchkey")
        with open_db(database, create=False) as db:
            db.check()
            needed = sealed_by(db) if holds_sealed(db) else None
    except StoreError as error:
        raise BackupError(f"holds a database that cannot be used: {error}") from error
    if needed is not None and (key is None or key.id != needed):
        raise BackupError(f"holds a database that the key {needed} opens, and not that key")
    given = given_key()
    if given is not None and needed is not None and given.key.id != needed:
        raise BackupError(
            f"is sealed with the key {needed}, but {given.where} gives {given.key.id}: give that key there, or none"
        )
    if configuration is not None and (text := folder / CONFIGURATION).exists():
        _check_configuration(text, config, configuration)


def _check_configuration(text: Path, config: Config, target: Path) -> None:
    advice = "restore it without its configuration (--without-configuration)"
    try:
        tables = tomllib.loads(text.read_text(encoding="utf-8-sig"))
        its = Config.model_validate(tables, context={"folder": target.absolute().parent})
    except (ValidationError, ConfigError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise BackupError(f"holds a configuration that this Latchkey does not take ({first}): {advice}") from None
    if _places(its) != _places(config):
        raise BackupError(f"holds a configuration that keeps the database or keys elsewhere than this one: {advice}")


def _places(config: Config) -> tuple[Path, ...]:
    return config.device.data_dir, config.database_path, key_path(config), device_key_path(config)


def _note(folder: Path, manifest: Manifest, request: Request) -> None:
    note = Note(
        by=request.by,
        at=request.at,
        boot_id=request.boot_id,
        command_id=request.command_id,
        made_at=manifest.made_at,
        software=manifest.software,
        site=manifest.site,
        device=manifest.device,
    )
    write_whole(folder / NOTE, note.model_dump_json(exclude_none=True).encode())
    for each in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync(each)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except (BackupError, StoreError):
        raise
    except OSError as error:
        raise BackupError(f"{folder}: cannot be written: {error.strerror}: look at the disk") from error


def discard(config: Config) -> None:
    """Lets what was laid ready not be put in place."""
    data = config.device.data_dir
    if (data / STAGED).is_dir():
        shutil.rmtree(data / PART, ignore_errors=True)
        (data / STAGED).rename(data / PART)
        shutil.rmtree(data / PART, ignore_errors=True)
