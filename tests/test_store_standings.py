from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.access.holder import Standing
from agent.store.db import open_db
from agent.store.standings import load_standings, save_standings
from tests.fakes.doorways import Doorway, door

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
FULL = Standing(3, 2, AT + timedelta(seconds=60), AT, "lab", AT, (b"12345678", b"abcdefgh"))


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def test_nobody_at_first(db):
    assert load_standings(db) == {}


def test_what_is_saved_is_there_after_reopening(db):
    stored = {"anna": FULL, "": Standing(failures=1), "ben": Standing(zone="", zone_at=AT)}
    save_standings(db, stored)
    with open_db(db.path) as again:
        assert load_standings(again) == stored


def test_changes_replace_and_leave_the_others(db):
    save_standings(db, {"anna": FULL, "ben": FULL})
    save_standings(db, {"anna": replace(FULL, failures=0)})
    assert load_standings(db) == {"anna": replace(FULL, failures=0), "ben": FULL}


def test_who_stands_as_if_nothing_had_happened_leaves_no_row(db):
    save_standings(db, {"anna": FULL, "ben": FULL})
    save_standings(db, {"anna": Standing(), "carl": Standing()})
    assert load_standings(db) == {"ben": FULL}


def test_nothing_is_saved_of_a_transaction_that_fails(db):
    def fail():
        with db.transaction():
            save_standings(db, {"anna": FULL})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert load_standings(db) == {}


def test_a_lockout_survives_a_restart_by_way_of_the_database(db):
    doorway = Doorway(door("pin"))
    for _ in range(5):
        doorway.pin("0000", "1-anna")
        save_standings(db, doorway.keeper.take_changes())
    again = Doorway(door("pin"), standings=load_standings(db))
    assert again.pin("4711", "1-anna").reason == "locked_out"
