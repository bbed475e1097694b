"""Makes a backup, while the agent runs or not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from agent.backup.content import (
    CONFIGURATION,
    DATABASE,
    DEVICE_KEY,
    LARGEST_SMALL,
    SITE_KEY,
    Entry,
    Manifest,
    Piece,
)
from agent.backup.leftovers import snapshot_file
from agent.backup.stream import Sealer, To, sealed_size
from agent.config import Config
from agent.device_key import key_path as device_key_path
from agent.errors import BackupError
from agent.jobs.aside import Progress, quiet
from agent.seal.keyring import find_key
from agent.store.db import Db
from agent.store.sealing import holds_sealed, sealed_by, wrong_key
from agent.store.snapshots import schema_version, snapshot
from agent.upgrade.in_force import models_folder
from agent.version import VERSION

FILES_OF_MODELS: Final = frozenset(
    {"bundle.json", *(f"{n}.{e}" for n in ("encoder", "detector") for e in ("tflite", "json"))}
)
STEP: Final = 2**20  # bytes copied at a time


class Sink(Protocol):
    """What plaintext is written to."""

    def write(self, data: bytes, /) -> object:
        """Takes more."""
        ...


def back_up(
    db: Db,
    config: Config,
    *,
    configuration: Path | None,
    file: Path,
    to: To,
    at: datetime,
    progress: Progress = quiet,
) -> Manifest:
    """Writes a backup to `file`, whole or not at all; returns what it says of itself.

    Args:
        db: the device's; others may go on using it.
        config: where keys and models are.
        configuration: the file that it was read from; None: there is none.
        file: for its owner only. One that is there is replaced.
        to: who opens it.
        at: now.
        progress: told of bytes.

    Raises:
        BackupError: it cannot be written.
        StoreError, ConfigError: the database or a key cannot be read.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config.device.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = snapshot_file(config, os.getpid())
    try:
        _check_key(db, config)
        _check_room(config.device.data_dir, db.path.stat().st_size)
        snapshot(db, copy, lambda left, of: progress(of - left, of, "snapshot"))
        pieces = [Piece(DATABASE, copy), *_small(config, configuration)]
        manifest = Manifest(
            made_at=at,
            software=VERSION,
            schema_version=schema_version(),
            site=config.device.site,
            device=config.device.name,
            sealed_by=sealed_by(db),
            files=tuple(Entry(name=piece.name, size=piece.size) for piece in pieces),
        )
        head = manifest.to_bytes()
        total = len(head) + sum(piece.size for piece in pieces)
        with _written(file, sealed_size(total, to)) as sink:
            sealer = Sealer(sink, to)
            sealer.write(head)
            done = len(head)
            for piece in pieces:
                for size in _copied(piece, sealer):
                    done += size
                    progress(done, total, "encrypting")
            sealer.close()
    except OSError as error:
        if isinstance(error, BackupError) or error.strerror is None:
            raise
        raise BackupError(f"{file}: cannot be written: {error.strerror}: choose another file or disk") from error
    finally:
        copy.unlink(missing_ok=True)
        copy.with_name(f"{copy.name}-journal").unlink(missing_ok=True)
    return manifest


def _small(config: Config, configuration: Path | None) -> Iterator[Piece]:
    """All but the database. What is read here is read whole: each is a few MiB at the most."""
    if (found := find_key(config)) is not None:
        yield Piece(SITE_KEY, f"{found.key.text}\n".encode())
    for name, path in ((DEVICE_KEY, device_key_path(config)), (CONFIGURATION, configuration)):
        if path is not None and path.is_file():
            yield Piece(name, _whole(path))
    folder = models_folder(config)
    for path in sorted(folder.glob("*/*")) if folder.is_dir() else ():
        if path.name in FILES_OF_MODELS and not path.parent.name.startswith("."):
            yield Piece(f"models/{path.parent.name}/{path.name}", _whole(path))


def _whole(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_SMALL:
        raise BackupError(f"{path}: has more than {LARGEST_SMALL >> 20} MiB: move it away")
    return path.read_bytes()


def _check_key(db: Db, config: Config) -> None:
    needed, found = sealed_by(db), find_key(config)
    if needed is not None and holds_sealed(db) and (found is None or found.key.id != needed):
        raise BackupError(wrong_key(str(db.path), needed, None if found is None else found.key.id))


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + STEP:
        raise BackupError(
            f"{folder}: {free >> 20} MiB are free, the copy of the database takes {-(-size >> 20)}: free some space"
        )


@contextmanager
def _written(file: Path, size: int) -> Iterator[BinaryIO]:
    """A file that appears whole, or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
            written = sink.tell()
        if written != size:
            raise BackupError(f"{file}: something changed while it was made: try again")
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def _copied(piece: Piece, sink: Sink) -> Iterator[int]:
    if isinstance(piece.data, bytes):
        sink.write(piece.data)
        yield len(piece.data)
        return
    with piece.data.open("rb") as source:
        while part := source.read(STEP):
            sink.write(part)
            yield len(part)
