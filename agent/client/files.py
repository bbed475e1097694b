"""Files of a profile: written whole or not at all, for their owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

MOST_BYTES: Final = 4_000_000


def write(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Writes a file that nobody but its owner can read; it is on the disk when this returns.

    Raises:
        ConfigError: it cannot be written, or is there already and is not to be replaced.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                fresh.replace(path)
            else:
                os.link(fresh, path)  # unlike a rename, it fails where there is one
        finally:
            fresh.unlink(missing_ok=True)
    except FileExistsError:
        raise ConfigError(f"{path} is there already and is left as it is") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: Path, *, secret: bool = False) -> bytes | None:
    """Returns what a file holds; None where there is none.

    Args:
        path: which.
        secret: nobody but its owner may be able to read it.

    Raises:
        ConfigError: it cannot be read, is too large, or others can read what is secret.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if secret and mode & 0o077:
        raise ConfigError(f"{path}: others than its owner can read it: run chmod 600 {path}")
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path}: more than {MOST_BYTES:,} bytes: that is no file of a profile")
    return data
