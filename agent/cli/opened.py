"""Opens what commands work with."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.config import Config
    from agent.enrolment import Administration
    from agent.register import Request
    from agent.seal.keys import SiteKey
    from agent.store.db import Db

LONGEST_USER = 60  # characters


@contextmanager
def administration(config: Config, *, create: bool = False) -> Iterator[Administration]:
    """The people of the database at hand, with the models loaded.

    Args:
        config: which database and models.
        create: make the database where there is none.
    """
    from ulid import ULID

    from agent.bundle import open_bundle
    from agent.enrolment import Administration
    from agent.seal.keyring import site_key

    if not create:
        database(config).close()  # where there is none, no key is made either
    bundle = open_bundle(config, site_key(config))
    eyes = bundle.eyes()
    with database(config, create=create, key=bundle.key) as db:
        yield Administration(bundle, eyes, db, boot_id=str(ULID()))


def database(config: Config, *, create: bool = False, key: SiteKey | None = None) -> Db:
    """The database at hand; a new one belongs to whom its folder belongs to, also where root makes it."""
    from agent.store.db import open_db

    path = config.database_path
    if create and not path.exists() and path.parent.is_dir():
        _leave_to_owner(path)
    return open_db(path, create=create, key=key)


def sealed_database(config: Config) -> Db:
    """The database at hand, to read and write what is sealed in it."""
    from agent.seal.keyring import site_key

    database(config).close()  # where there is none, no key is made either
    return database(config, key=site_key(config))


def request() -> Request:
    """Who asks for a change, and when: the user who runs the command, also through sudo, now."""
    from ulid import ULID

    from agent.register import Request

    return Request(f"cli:{user()}", datetime.now(UTC), str(ULID()))


def user() -> str:
    """The user who runs the command, also through sudo."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        name = str(os.getuid())
    return "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST_USER])


def running_agent(config: Config) -> int | None:
    """The process of an agent that has this database, if one runs: it holds camera, relay and inputs."""
    path = config.database_path
    try:
        process = int(path.with_name(f"{path.name}.lock").read_text())
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return process if b"latchkey" in command or b"agent.cli" in command else None


def _leave_to_owner(path: Path) -> None:
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        path.touch(mode=0o600)
        os.chown(path, owner.st_uid, owner.st_gid)
