"""The key that the service signs heads with: from the environment, a systemd credential, or a file made at first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.config.secrets import read_secret
from agent.errors import ConfigError
from agent.trust.keys import KEY_BYTES, SigningKey, packed, unpacked

NAME: Final = "roster_key"


def service_key(path: Path, environ: Mapping[str, str] = os.environ) -> SigningKey:
    """Returns the key, made where there is none: 44 letters of base64, mode 0600.

    Raises:
        ConfigError: it cannot be read or made, or is none.
    """
    try:
        given = read_secret(NAME, file=path if path.exists() else None, environ=environ)
        if given is not None:
            return SigningKey(unpacked(given.get_secret_value().strip(), KEY_BYTES))
        fresh = SigningKey.new()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(packed(fresh.secret) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: no key of a roster service: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: want a file in a folder that this user may write to") from error
    return fresh
