"""What the device signs with: LATCHKEY_DEVICE_KEY, the systemd credential `device_key`, or a file of its own.

In this order. What is given by a variable or a credential is never written; the file is made where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent import secret_file
from agent.config import Config
from agent.config.secrets import read_secret
from agent.errors import ConfigError
from agent.trust.keys import KEY_BYTES, SigningKey, packed, unpacked

NAME: Final = "device_key"
KIND: Final = secret_file.Kind("the device's key", "[trust] device_key_file")


def key_path(config: Config) -> Path:
    """Returns the file of the key, where it does not come by a variable or a credential."""
    return config.trust.device_key_file or config.device.data_dir / "device.key"


def find_device_key(config: Config, environ: Mapping[str, str] = os.environ) -> SigningKey | None:
    """Returns the device's key; None where none was made yet.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    if (secret := read_secret(NAME, environ=environ)) is not None:
        return _parsed(secret.get_secret_value(), f"LATCHKEY_{NAME.upper()} or the credential {NAME}")
    path = key_path(config)
    text = secret_file.read(path, KIND)
    return None if text is None else _parsed(text, str(path))


def device_key(config: Config, environ: Mapping[str, str] = os.environ) -> SigningKey:
    """Returns the device's key, made where there is none yet.

    Raises:
        ConfigError: it cannot be read or made, or is none.
    """
    if (found := find_device_key(config, environ)) is not None:
        return found
    fresh = SigningKey.new()
    try:
        secret_file.create(key_path(config), packed(fresh.secret), KIND)
    except ConfigError:
        if (other := find_device_key(config, environ)) is None:
            raise
        return other  # another program has just made one
    return fresh


def _parsed(text: str, where: str) -> SigningKey:
    try:
        return SigningKey(unpacked(text.strip(), KEY_BYTES))
    except ValueError:  # which may tell a part of the text
        raise ConfigError(f"{where} holds no device key: want {KEY_BYTES} bytes in base64") from None
