"""A PostgreSQL for the tests of the fleet, and a fresh database for each."""

import itertools

import psycopg
import pytest

from agent.fleet.database import connect, migrate
from tests.fakes.postgres import BIN, SPEED, Postgres

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres():
    if BIN is None:
        pytest.skip("PostgreSQL is not installed: sudo apt install postgresql")
    server = Postgres(*SPEED)
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as pg:
            pg.execute("CREATE DATABASE template")
        with connect(server.url("template")) as pg:
            migrate(pg)
        yield server
    finally:
        server.remove()


@pytest.fixture
def url(postgres):
    """Of an empty database with our tables."""
    name = f"fleet{next(_NUMBERS)}"
    with psycopg.connect(postgres.url(), autocommit=True) as pg:
        pg.execute(f"CREATE DATABASE {name} TEMPLATE template")
    return postgres.url(name)


@pytest.fixture
def pg(url):
    with connect(url) as pg:
        pg.autocommit = True
        yield pg
