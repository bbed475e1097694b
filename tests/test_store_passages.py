"""Who went through the door, as the events tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.members.merge import rename
from agent.members.undo import undo
from agent.store import events, punches
from agent.store.db import open_db
from agent.store.passages import passages
from agent.timeclock import Said, correct
from tests.fakes.keys import KEY
from tests.fakes.registers import LATER, NOW, add, request
from tests.fakes.timeclock import punch


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        add(db, "anna")
        add(db, "ben")
        yield db


def granted(db, person, companion=None, at=NOW):
    body = {"outcome": "granted", "reason": "match", "person": person, "companion": companion}
    return events.append(db, "access", at, "boot", body)


def who(db):
    return [passage.person for passage in passages(db, NOW, LATER, "front")]


def test_in_the_order_in_which_they_came_until_before_the_end(db):
    granted(db, "ben")
    granted(db, "anna", at=LATER - timedelta(seconds=1))
    granted(db, "ben", at=LATER)
    events.append(db, "access", NOW, "boot", {"outcome": "denied", "reason": "unknown", "person": None})
    assert who(db) == ["ben", "anna"]


def test_both_of_two(db):
    granted(db, "anna", "ben")
    assert who(db) == ["anna", "ben"]


def test_under_the_id_that_they_have_now(db):
    granted(db, "anna")
    rename(db, "anna", "anne", request())
    assert who(db) == ["anne"]


def test_not_who_punched_by_it_but_where_that_does_not_count(db):
    granted(db, "anna")
    granted(db, "ben")
    for person in ("anna", "ben"):
        punches.append(db, punch("out", NOW, person))
    assert who(db) == []
    (made,) = punches.made(db, NOW, LATER, "ben")
    correct(db, request(), made.id, Said("not him", "boss", void=True))
    assert who(db) == ["ben"]


def test_nobody_of_a_match_that_was_wrong(db):
    event = granted(db, "anna", "ben")
    undo(db, event.id, "anna", request())
    assert who(db) == ["ben"]


def test_nor_where_the_punch_was_said_to_be_wrong(db):
    event = granted(db, "anna", "ben")
    punch = events.append(db, "attendance", NOW, "boot", {"person": "ben", "access": event.id})
    undo(db, punch.id, "ben", request())
    rename(db, "ben", "benno", request())
    assert who(db) == ["anna"]
