"""Which key each device is known by: devices.json of a profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from agent.client import files
from agent.errors import ConfigError
from agent.trust.keys import PublicKey


def read(path: Path) -> dict[str, PublicKey]:
    """Returns `<site>/<device>` to the key of the device; empty where there is no file.

    Raises:
        ConfigError: it is damaged.
    """
    data = files.read(path)
    if data is None:
        return {}
    try:
        told = json.loads(data)
        return {str(device): PublicKey.parse(str(text)) for device, text in sorted(told.items())}
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: damaged ({error}): want site/device and the key's base64 of each") from None


def trust(path: Path, device: str, key: PublicKey) -> bool:
    """Notes the key of a device; returns whether another one was known before.

    Args:
        path: of the file.
        device: `<site>/<device>`.
        key: as the device, or who stands before it, says.
    """
    before = read(path)
    _write(path, before | {device: key})
    return device in before and before[device] != key


def forget(path: Path, device: str) -> bool:
    """Forgets a device; returns whether it was known."""
    before = read(path)
    if device not in before:
        return False
    _write(path, {name: key for name, key in before.items() if name != device})
    return True


def _write(path: Path, devices: Mapping[str, PublicKey]) -> None:
    told = {device: key.text for device, key in sorted(devices.items())}
    files.write(path, (json.dumps(told, indent=2) + "\n").encode())
