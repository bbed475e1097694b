"""Connections to PostgreSQL, and the steps of its schema."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from agent.errors import ConfigError, LatchkeyError
from agent.fleet.steps import STEPS
from agent.mqtt.backoff import Backoff

logger = logging.getLogger(__name__)

MIGRATING: Final = 5_001_001
"""Key of the advisory lock that a migration holds: collectors that start together take turns."""
OLDEST: Final = 140_000  # multiranges
_DURABLE: Final = (  # what a device forgets on our word has to be on the disk
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_PASSWORD: Final = re.compile(r"(?<=:)[^:@/]+(?=@)")

Pg: TypeAlias = psycopg.Connection[tuple[Any, ...]]


class DatabaseAway(LatchkeyError, OSError):
    """The database does not answer, or not now: what was asked for may be asked for again."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns what may pass (no connection, shut down, full, a deadlock, a standby not promoted yet) into DatabaseAway.

    Raises:
        DatabaseAway: try again later.
        ConfigError: trying again will not help: the user may not, a table is not there.
    """
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise DatabaseAway(f"the database does not answer: {_line(error)}") from error
    except psycopg.ProgrammingError as error:
        raise ConfigError(f"the database refuses: {_line(error)}") from error


def connect(url: str) -> Pg:
    """Returns a connection; the caller closes it.

    Args:
        url: `postgresql://user@host/name`; the password comes from PGPASSFILE, PGPASSWORD or ~/.pgpass.

    Raises:
        DatabaseAway: nobody there.
        ConfigError: not an address, or too old a PostgreSQL.
    """
    with translated():
        connection: Pg = psycopg.connect(
            url, connect_timeout=5, application_name="latchkey", options="-c timezone=UTC -c jit=off"
        )
    if connection.info.server_version < OLDEST:
        connection.close()
        raise ConfigError(f"PostgreSQL {connection.info.server_version // 10_000} is too old: want 14 or newer")
    with translated(), connection.transaction():
        connection.execute(_DURABLE)
    return connection


def connect_in_the_end(url: str) -> Pg:
    """Returns a connection, however long the database is away."""
    backoff = Backoff(least=0.5, most=15.0)
    while True:
        try:
            return connect(url)
        except DatabaseAway as error:
            logger.warning("%s; trying again", error)
            time.sleep(backoff.next())


def migrate(pg: Pg) -> int:
    """Does the steps that the database has not seen; returns how many.

    Raises:
        ConfigError: it has seen more than there are.
        DatabaseAway: try again later.
    """
    done = 0
    with translated(), pg.transaction():
        pg.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATING])
        pg.execute("CREATE TABLE IF NOT EXISTS steps (number integer PRIMARY KEY, done_at timestamptz DEFAULT now())")
        (version,) = pg.execute("SELECT coalesce(max(number), 0) FROM steps").fetchone() or (0,)
        if version > len(STEPS):
            raise ConfigError(
                f"the database was made by a newer Latchkey: its version is {version}, this one wants {len(STEPS)} or "
                "older. Install the newer one"
            )
        for number, step in enumerate(STEPS[version:], start=version + 1):
            pg.execute(sql.SQL(step))
            pg.execute("INSERT INTO steps (number) VALUES (%s)", [number])
            done += 1
    return done


def without_password(url: str) -> str:
    """Returns an address that may be shown."""
    return _PASSWORD.sub("...", url)


def _line(error: Exception) -> str:
    return _PASSWORD.sub("...", " ".join(str(error).split()))[:300]
