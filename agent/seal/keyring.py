"""Where the site's key is: in the variable LATCHKEY_SITE_KEY, the systemd credential `site_key`, or its own file.

In this order. What is given by a variable or a credential is never written; the file is made where there is none, and
where nothing is sealed that an older one would open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config import Config
from agent.config.secrets import read_secret
from agent.errors import ConfigError, StoreError
from agent.seal import key_file
from agent.seal.keys import SiteKey
from agent.store.db import open_db
from agent.store.sealing import holds_sealed, sealed_by, wrong_key

NAME = "site_key"


@dataclass(frozen=True, slots=True)
class Found:
    """A key, and where it was."""

    key: SiteKey
    where: str  # for a human
    in_file: bool  # so that it can be changed from here


def key_path(config: Config) -> Path:
    """Returns the file of the key, where it does not come by a variable or a credential."""
    return config.security.key_file or config.device.data_dir / "site.key"


def find_key(config: Config, environ: Mapping[str, str] = os.environ) -> Found | None:
    """Returns the site's key; None where there is none yet, and none is needed.

    Raises:
        ConfigError: it cannot be read.
        StoreError: there is none, but the database is sealed with one.
    """
    if (given := given_key(environ)) is not None:
        return given
    path = key_path(config)
    key, waiting = key_file.read(path), key_file.staged(path)
    if key is None or waiting:
        named = _named(config)
        if named in waiting:  # the change to it was done but for the last step
            key = waiting[named]
        elif key is None and named is not None:
            raise StoreError(wrong_key(str(config.database_path), named, None))
    return None if key is None else Found(key, str(path), in_file=True)


def given_key(environ: Mapping[str, str] = os.environ) -> Found | None:
    """Returns the key of the variable or the credential, if there is one; the file is not looked at.

    Raises:
        ConfigError: it cannot be read.
    """
    if (secret := read_secret(NAME, environ=environ)) is None:
        return None
    variable = f"LATCHKEY_{NAME.upper()}"
    where = variable if environ.get(variable) else f"the credential {NAME}"
    return Found(SiteKey.parse(secret.get_secret_value(), where), where, in_file=False)


def site_key(config: Config, environ: Mapping[str, str] = os.environ) -> SiteKey:
    """Returns the site's key, made where there is none yet.

    Raises:
        ConfigError: it cannot be read or made.
        StoreError: there is none, but the database is sealed with one.
    """
    if (found := find_key(config, environ)) is not None:
        return found.key
    fresh = SiteKey.new()
    try:
        key_file.write(key_path(config), fresh)
    except ConfigError:
        if (other := key_file.read(key_path(config))) is None:
            raise
        return other  # another program has just made one
    return fresh


def settle(config: Config) -> None:
    """Finishes, or undoes, a change of the key that was cut short. For who holds the `agent_lock` of the database."""
    path = key_path(config)
    key_file.clear(path)
    if waiting := key_file.staged(path):
        named = _named(config)
        for key_id, key in waiting.items():
            if key_id == named:
                key_file.promote(path, key)
            else:
                key_file.wipe_staged(path, key)


def _named(config: Config) -> str | None:
    """The fingerprint of the key that the database needs; None where it needs none."""
    if not config.database_path.exists():
        return None
    with open_db(config.database_path, create=False) as db:
        return sealed_by(db) if holds_sealed(db) else None
