"""Where the authority is, and the passphrase of its key."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.pki.authority import Authority
    from agent.pki.registry import Registry

PASSPHRASE = "LATCHKEY_CA_PASSPHRASE"  # noqa: S105  the name of a variable
QUESTION = "Passphrase of the authority: "


def registry_folder(given: Path | None) -> Path:
    """Returns the folder given, or `pki` in the admin's profile."""
    from agent.client import Profile

    return given or Profile.default() / "pki"


def registry_in(given: Path | None) -> Registry:
    """Returns the authority's folder, opened.

    Raises:
        ConfigError: there is no authority in it.
    """
    from agent.pki.registry import Registry

    return Registry(registry_folder(given))


def signer_of(registry: Registry) -> Authority:
    """Returns what signs; asks for the passphrase where there is one and a terminal.

    Raises:
        ConfigError: the key cannot be used.
    """
    secret = os.environ.get(PASSPHRASE, "")
    if not secret and registry.has_passphrase and sys.stdin.isatty():
        secret = getpass.getpass(QUESTION)
    return registry.authority(secret.encode() or None)


def asked_twice() -> str:
    """Asks for a new passphrase.

    Raises:
        ConfigError: there is nobody to ask, or the two are not the same.
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"--passphrase asks on a terminal, and there is none: set {PASSPHRASE}")
    first = getpass.getpass(QUESTION)
    if not first or first != getpass.getpass("Again: "):
        raise ConfigError("the two are not the same, or empty: nothing was made")
    return first
