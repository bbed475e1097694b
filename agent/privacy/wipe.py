"""What is left when somebody opens the case: no key, no template, no PIN, no card, no log.

    marker ──► keys, overwritten and deleted ──► the database's rows ──► pictures ──► marker gone

The keys go first: without them sealed templates are noise, whatever happens next. A marker on the disk stands from
before the first step until after the last, so that a device whose power is cut in between goes on when it starts:
whoever starts calls `finish`. People, groups, consents, rules, attendance, receipts and the audit stay: without
them nobody could tell who is to be enrolled again, and they hold no biometric data and no secret.

Overwriting is what can be asked of a file; flash memory may keep a copy in blocks nobody can address. Whoever has to
count on more keeps the key off the card: a systemd credential sealed to a TPM.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.audit import audit
from agent.backup import leftovers
from agent.config import Config
from agent.errors import ConfigError, StoreError
from agent.mqtt.spooled import FOLDER
from agent.privacy.retention import UNKNOWN
from agent.seal import key_file
from agent.store import wiping
from agent.store.db import Db

if TYPE_CHECKING:
    from agent.register import Request

log = logging.getLogger(__name__)

MARKER: Final = "wipe-pending"  # in data_dir; its text is the cause


def begin(config: Config, keys: Sequence[Path], *, cause: str) -> int:
    """Destroys the keys, before all else and without the database; returns how many there were.

    The marker stands from now on: `wipe` does the rest, at once or at the next start.
    """
    _mark(config, cause)
    return sum(_destroy(key) for key in keys)


def wipe(
    db: Db, config: Config, keys: Sequence[Path], request: Request, *, cause: str, gone: int = 0
) -> dict[str, int]:
    """Removes keys, templates, PINs, cards, events, answers and pictures; returns counts.

    The caller locks the door and records the alarm before: alarms that the broker does not have yet stay, so that the
    last thing the device tells is that it was opened.

    Args:
        db: by whoever may write.
        config: where pictures of unknown people are, and the marker.
        keys: files of keys, see `agent.seal.keyring.key_files`; those that are not there are none.
        request: by "tamper", or who asks.
        cause: "tamper"; goes into the audit.
        gone: keys that `begin` has destroyed already.

    Raises:
        StoreError: something stays, and the marker with it; the keys have gone first.
    """
    destroyed = gone + begin(config, keys, cause=cause)
    if left := leftovers.destroy(config):
        raise StoreError(f"{left[0]} cannot be deleted: the wipe is tried again at the next start")
    with db.transaction():
        counts = wiping.wipe(db)
        audit(db, "wiped", None, request, {"cause": cause, "keys": destroyed, **counts})
        db.vacuum()
        db.wipe_log()
    for pictures in (config.device.data_dir / UNKNOWN, config.device.data_dir / FOLDER):
        if pictures.is_dir():
            shutil.rmtree(pictures, ignore_errors=True)
            if pictures.exists():
                raise StoreError(f"{pictures} cannot be deleted: the wipe is tried again at the next start")
    _marker(config).unlink(missing_ok=True)
    _sync(config.device.data_dir)
    log.warning("wiped: %s: %d keys, %s", cause, destroyed, counts)
    return {"keys": destroyed, **counts}


def pending(config: Config) -> str | None:
    """Returns the cause of a wipe that has begun and not ended, or None."""
    try:
        return _marker(config).read_text(encoding="utf-8", errors="replace").strip()[:80] or "unknown"
    except OSError:
        return None


def finish(db: Db, config: Config, keys: Sequence[Path], request: Request) -> bool:
    """Goes on with a wipe that was interrupted; returns whether there was one. To be called before anything is read."""
    cause = pending(config)
    if cause is None:
        return False
    wipe(db, config, keys, request, cause=cause)
    return True


def _marker(config: Config) -> Path:
    return config.device.data_dir / MARKER


def _mark(config: Config, cause: str) -> None:
    """A full disk does not keep the keys: then there is no marker."""
    try:
        config.device.data_dir.mkdir(parents=True, exist_ok=True)
        with _marker(config).open("w", encoding="utf-8") as file:
            file.write(f"{cause}\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(config.device.data_dir)
    except OSError as error:
        log.error("a wipe that is interrupted will not go on: %s", error)  # noqa: TRY400 - no traceback


def _destroy(key: Path) -> bool:
    """Overwrites a key and deletes it; returns whether it was there. One that stays does not keep the rest."""
    try:
        return key_file.wipe(key)
    except ConfigError as error:
        log.error("a key stays: %s", error)  # noqa: TRY400 - no traceback
        return False


def _sync(folder: Path) -> None:
    """Has the folder itself written: a file that was deleted stays deleted."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
