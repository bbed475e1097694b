"""The key that a collector signs its acknowledgements with: a file of its own, for its user alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from agent.errors import ConfigError
from agent.trust.keys import KEY_BYTES, PublicKey, SigningKey, packed, unpacked

OTHERS: Final = 0o077


def make_key(file: Path) -> PublicKey:
    """Makes a key in a new file; returns what devices are to know.

    Raises:
        ConfigError: there is a file already, or it cannot be written.
    """
    key = SigningKey.new()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(f"{packed(key.secret)}\n")
    except FileExistsError:
        raise ConfigError(f"{file} is there already: remove it, if no device trusts it any more") from None
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from error
    return key.public


def read_key(text: str, where: str) -> SigningKey:
    """Returns the key that a text holds.

    Raises:
        ConfigError: it is none; the text is not told.
    """
    try:
        return SigningKey(unpacked(text.strip(), KEY_BYTES))
    except ValueError as error:
        raise ConfigError(f"{where}: not a key made by `latchkey fleet key`: {error}") from None


def for_us_alone(file: Path) -> Path:
    """Returns a file that holds a secret.

    Raises:
        ConfigError: others may read it.
    """
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    if mode & OTHERS:
        raise ConfigError(f"{file} may be read by others: chmod 600 {file}")
    return file
