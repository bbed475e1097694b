"""A command that comes twice is answered twice and carried out once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.store import commands, people
from agent.store.db import open_db

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def test_an_unknown_command_has_no_answer(db):
    assert commands.recall(db, "c1") is None


def test_an_answer_is_remembered_over_a_restart(db):
    commands.remember(db, "c1", "enrol", '{"ok": true}', NOW)
    db.close()
    with open_db(db.path) as again:
        assert commands.recall(again, "c1") == '{"ok": true}'


def test_the_first_answer_stays(db):
    commands.remember(db, "c1", "enrol", '{"ok": true}', NOW)
    commands.remember(db, "c1", "remove", '{"ok": false}', NOW)
    assert commands.recall(db, "c1") == '{"ok": true}'


def test_the_oldest_are_forgotten_whatever_the_clock_says(db):
    for i in range(9):
        commands.remember(db, f"c{i}", "ping", "{}", NOW.replace(year=2030 - i), keep=3)
    assert [commands.recall(db, f"c{i}") for i in range(9)] == [None] * 6 + ["{}"] * 3


def test_an_answer_that_is_not_json_is_refused(db):
    with pytest.raises(ValueError, match="refuses this"):
        commands.remember(db, "c1", "ping", "pong", NOW)


def test_a_command_and_its_answer_are_one(db):
    with pytest.raises(ZeroDivisionError):
        carry_out_and_crash(db)
    assert (people.list_people(db), commands.recall(db, "c1")) == ([], None)


def carry_out_and_crash(db):
    with db.transaction():
        people.add_person(db, "anna", name=None, at=NOW)
        commands.remember(db, "c1", "enrol", "{}", NOW)
        raise ZeroDivisionError


def test_what_could_be_sent_again_is_remembered_however_many_come(db):
    until = NOW + timedelta(hours=24)
    commands.remember(db, "unlock", "unlock", "{}", NOW, until=until)
    for i in range(20):
        commands.remember(db, f"c{i}", "ping", "{}", NOW, keep=3)
    assert commands.recall(db, "unlock") == "{}"
    for i in range(20, 30):
        commands.remember(db, f"c{i}", "ping", "{}", until + timedelta(hours=2), keep=3)
    assert commands.recall(db, "unlock") is None
    assert 3 <= commands.count(db) <= 5


def test_what_was_begun_is_remembered_until_it_is_known_to_be_done(db):
    commands.begin(db, "c1", "unlock", '{"ok": false}', NOW, until=NOW)
    assert commands.recall(db, "c1") == '{"ok": false}'
    commands.remember(db, "c1", "unlock", '{"ok": true}', NOW, until=NOW)
    commands.begin(db, "c1", "unlock", '{"ok": false}', NOW, until=NOW)
    assert commands.recall(db, "c1") == '{"ok": true}'


def test_they_are_forgotten_now_and_then(db):
    for i in range(200):
        commands.remember(db, f"c{i}", "ping", "{}", NOW, keep=100)
    assert 100 <= commands.count(db) < 100 + commands.EVERY
