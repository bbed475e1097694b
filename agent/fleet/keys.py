"""The keys of devices: whom a fleet believes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from agent.errors import CommandError, ConfigError
from agent.fleet.database import Pg, translated
from agent.mqtt.message import Code
from agent.mqtt.topics import Topics
from agent.trust.keys import PublicKey

FRESH_SECONDS: Final = 5.0  # before a device that was unknown, or a key that was in force, is looked up again


def trust(pg: Pg, site: str, device: str, key: PublicKey) -> None:
    """Makes a key of a device known, or in force again.

    Raises:
        ConfigError: site or device cannot be part of a topic.
    """
    Topics(site, device)
    with translated(), pg.transaction():
        pg.execute(
            "INSERT INTO device_keys (site, device, key_id, public) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (site, device, key_id) DO UPDATE SET revoked_at = NULL",
            [site, device, key.id, key.raw],
        )


def distrust(pg: Pg, site: str, device: str, key_id: str | None = None) -> int:
    """Revokes a key of a device, or all; returns how many. What they have signed stays.

    Raises:
        CommandError: there is none in force.
    """
    with translated(), pg.transaction():
        done: int = pg.execute(
            "UPDATE device_keys SET revoked_at = now() WHERE (site, device) = (%s, %s) AND revoked_at IS NULL"
            " AND key_id = coalesce(%s, key_id)",
            [site, device, key_id],
        ).rowcount
    if not done:
        raise CommandError(Code.UNKNOWN_KEY, f"{site}/{device} has no such key in force: `latchkey fleet devices`")
    return done


def read_target(text: str) -> tuple[str, str]:
    """Returns site and device of `SITE/DEVICE`.

    Raises:
        ConfigError: it is not written so.
    """
    site, slash, device = text.partition("/")
    if not (site and slash and device) or "/" in device:
        raise ConfigError(f'"{text}" is no device: want SITE/DEVICE')
    return site, device


class Keyring:
    """The keys in force, read from the database and looked up again after a while: there may be others by then.

    Args:
        pg: the connection of the moment.
        clock: monotonic seconds.
    """

    def __init__(self, pg: Callable[[], Pg], clock: Callable[[], float] = time.monotonic) -> None:
        self._pg, self._clock = pg, clock
        self._known: dict[tuple[str, str], list[PublicKey]] = {}
        self._read_at: float | None = None
        self._state: object = None  # of the table, when it was read

    def __call__(self, site: str, device: str) -> Sequence[PublicKey]:
        """Returns the keys in force of a device."""
        return self._known.get((site, device), ())

    def refresh(self) -> None:
        """Reads all, where that was a while ago.

        Raises:
            DatabaseAway: what was known stays.
        """
        now = self._clock()
        if self._read_at is not None and now < self._read_at + FRESH_SECONDS:
            return
        with translated(), (pg := self._pg()).transaction():
            state = pg.execute(
                "SELECT count(*), count(revoked_at), max(added_at), max(revoked_at) FROM device_keys"
            ).fetchone()
            self._read_at = now
            if state == self._state:
                return
            rows = pg.execute("SELECT site, device, public FROM device_keys WHERE revoked_at IS NULL").fetchall()
        known: dict[tuple[str, str], list[PublicKey]] = {}
        for site, device, public in rows:
            known.setdefault((site, device), []).append(PublicKey(bytes(public)))
        self._known, self._state = known, state
