"""Every version of the database becomes the newest, or stays what it was."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import pytest

from agent.errors import StoreError
from agent.store import events, people
from agent.store.db import open_db
from agent.store.migrations import STEPS, migrate


@pytest.fixture
def path(tmp_path):
    return tmp_path / "latchkey.db"


def version(path):
    sql = sqlite3.connect(path)
    try:
        return sql.execute("PRAGMA user_version").fetchone()[0]
    finally:
        sql.close()


def schema(path):
    sql = sqlite3.connect(path)
    try:
        return sorted(sql.execute("SELECT type, name, sql FROM sqlite_schema").fetchall(), key=str)
    finally:
        sql.close()


def make(path, steps):
    sql = sqlite3.connect(path, isolation_level=None)
    migrate(sql, path, steps)
    sql.close()


@pytest.mark.parametrize("old", range(1, len(STEPS) + 1))
def test_an_older_version_becomes_the_newest_and_keeps_its_people(path, tmp_path, old):
    make(path, STEPS[:old])
    sql = sqlite3.connect(path)
    sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES ('anna', 'Anna', '2026-11-22T06:00:00.000000Z')")
    sql.commit()
    sql.close()
    assert version(path) == old
    with open_db(path) as db:
        assert [person.name for person in people.list_people(db)] == ["Anna"]
        assert events.count_unsent(db) == 0
        db.check()
    open_db(tmp_path / "fresh.db").close()
    assert version(path) == len(STEPS)
    assert schema(path) == schema(tmp_path / "fresh.db")


def test_opening_again_changes_nothing(path):
    open_db(path).close()
    before = path.read_bytes()
    open_db(path).close()
    assert path.read_bytes() == before


def test_a_newer_version_is_refused_and_left_alone(path):
    make(path, (*STEPS, (), ()))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=rf"newer Latchkey: its version is {len(STEPS) + 2}, .* wants {len(STEPS)} or"):
        open_db(path)
    assert path.read_bytes() == before


def test_a_step_that_fails_half_way_leaves_the_version_before(path):
    make(path, STEPS)
    before = schema(path)
    bad = ("CREATE TABLE extra (a TEXT) STRICT", "DROP TABLE events", "CREATE TABLE people (a TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        make(path, (*STEPS, bad))
    assert (version(path), schema(path)) == (len(STEPS), before)
    open_db(path).close()


DIE = """
import os, signal, sqlite3, sys; from pathlib import Path; from agent.store.migrations import STEPS, migrate
path = Path(sys.argv[1])
sql = sqlite3.connect(path, isolation_level=None)
sql.execute("PRAGMA cache_size = 1")  # so that the half of a step is in the files already
sql.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
step = ("CREATE TABLE extra (a TEXT) STRICT", f"{fill} INSERT INTO extra (a) SELECT hex(zeroblob(500)) FROM n",
        "DROP TABLE people", "SELECT die()")
migrate(sql, path, (*STEPS, step))
"""


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_crash_half_way_leaves_the_version_before(path, journal):
    with open_db(path) as db, db.transaction() as sql:
        sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES ('anna', 'Anna', '2026-11-22T06:00:00.000000Z')")
    with sqlite3.connect(path) as sql:
        sql.execute(f"PRAGMA journal_mode = {journal}")
    sql.close()
    before = schema(path)
    done = subprocess.run([sys.executable, "-c", DIE, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    with open_db(path) as db:
        db.check()
        assert [person.id for person in people.list_people(db)] == ["anna"]
    assert (version(path), schema(path)) == (len(STEPS), before)
