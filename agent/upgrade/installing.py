"""Lays a bundle's models in a folder of their own: after its owner's signature was looked at, before they are used."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.admins import find
from agent.config import Config
from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.owned import leave_to_owner, sync, write_whole
from agent.store.db import Db
from agent.store.models import in_force
from agent.trust.roles import Role
from agent.upgrade.archive import MANIFEST, Contents
from agent.upgrade.in_force import models_folder
from agent.upgrade.manifest import Signed, check_version, is_signed_by

_FRESH: Final = ".new-"


def check_signed(signed: Signed, db: Db, config: Config) -> str:
    """Returns which owner has signed a bundle; whatever way it came.

    Raises:
        CommandError: no owner that this device knows, or it wants a newer Latchkey.
    """
    admin = find(db, config, signed.key)
    if admin is None or admin.revoked_at is not None or admin.role is not Role.OWNER:
        what = "not known" if admin is None else "revoked" if admin.revoked_at is not None else f"{admin.role}'s"
        raise CommandError(
            Code.NOT_BY_OWNER,
            f"the bundle is signed by key {signed.key}, which is {what}: an owner of this device signs",
        )
    if not is_signed_by(signed, admin.key):
        raise CommandError(Code.NOT_BY_OWNER, f"the signature is not by key {signed.key}, or the bundle was changed")
    check_version(signed.manifest)
    return admin.name


def lay(contents: Contents, config: Config) -> str:
    """Unpacks a bundle beside the others, whole or not at all; returns the name of its folder.

    Raises:
        StoreError: the disk does not take it.
    """
    name, base = contents.signed.manifest.folder, models_folder(config)
    with _told(base):
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = base / f"{_FRESH}{name}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        for file, data in {MANIFEST: contents.signed.to_json(), **contents.files}.items():
            write_whole(fresh / file, data)
        leave_to_owner(fresh, config.device.data_dir)
        leave_to_owner(base, config.device.data_dir)
        sync(fresh)
        shutil.rmtree(base / name, ignore_errors=True)  # of another try: what is in force is never laid again
        fresh.rename(base / name)
        sync(base)
    return name


def tidy(db: Db, config: Config) -> None:
    """Removes the models that are neither in force nor there to go back to."""
    state, base = in_force(db), models_folder(config)
    for folder in base.iterdir() if base.is_dir() else ():
        if folder.is_dir() and folder.name not in {state.folder, state.previous}:
            shutil.rmtree(folder, ignore_errors=True)


def discard(config: Config, folder: str) -> None:
    """Removes models that are not to be used."""
    shutil.rmtree(models_folder(config) / folder, ignore_errors=True)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{folder}: the new models cannot be kept: {error.strerror}: look at the disk") from error
