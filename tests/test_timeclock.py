"""Punching and correcting, in one transaction with the events that tell of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.attendance.punch import Clock
from agent.attendance.rules import PunchType
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.register import Request
from agent.store import events, moves, people, punches
from agent.store.db import open_db
from agent.timeclock import Said, Terminal, add, correct, correction_json, punch, punch_json, retime_boot
from tests.fakes.keys import KEY
from tests.fakes.timeclock import site, utc

NINE = utc("2026-11-02 09:00")
BOSS = Request("cli", utc("2026-11-03 09:00"), "b1")
FRONT = Terminal("hq", "front", "b1")
DAY = timedelta(days=1)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        people.add_person(db, "anna", name=None, at=NINE)
        yield db


def come(db, at=NINE, key=None, uptime=100.0, clock=Clock.SYNCHRONISED, **more):
    return punch(db, site(), FRONT, "anna", at, key=key, uptime=uptime, clock=clock, **more)


def told(db, kind):
    return [event for event in events.recent(db, 50) if event.kind == kind]


def test_a_punch_and_its_event_are_one(db):
    made = come(db)
    (event,) = told(db, "attendance")
    assert (event.id, event.at, event.body["type"], event.body["by"]) == (made.id, NINE, "in", "toggle")
    assert event.body["clock"] == "synchronised"
    assert punches.find(db, made.id) == made
    assert punch_json(made)["device"] == "front"


def test_the_next_one_knows_the_last(db):
    kinds = [come(db, NINE + timedelta(hours=hours)).type for hours in range(3)]
    assert kinds == [PunchType.IN, PunchType.OUT, PunchType.IN]


def test_again_with_the_same_id_is_the_same_punch(db):
    first = come(db, id="01KAMB5T80W9R3Q2M4X7Y1Z5AB")
    assert come(db, id="01KAMB5T80W9R3Q2M4X7Y1Z5AB") == first
    assert len(told(db, "attendance")) == 1


def test_who_was_renamed_after_it_was_decided_punches_under_the_new_id(db):
    come(db)
    moves.rename(db, "anna", "anna-lind")
    made = come(db, NINE + timedelta(hours=1))
    assert (made.person, made.type) == ("anna-lind", PunchType.OUT)
    assert [event.body["person"] for event in told(db, "attendance")][-1] == "anna-lind"


def test_nobody_punches_where_attendance_is_off(db):
    assert punch(db, site(enabled=False), FRONT, "anna", NINE, key=None, uptime=1.0, clock=Clock.RTC) is None
    assert told(db, "attendance") == []


def test_a_correction_counts_for_the_next_punch(db):
    made = come(db)
    correct(db, BOSS, made.id, Said("was on the way out", "boss", type=PunchType.OUT))
    assert come(db, NINE + timedelta(hours=1)).type is PunchType.IN


def test_a_correction_is_told_with_what_it_says(db):
    made = come(db)
    said = Said("forgot", "Frau Weber", at=NINE - timedelta(minutes=5))
    done = correct(db, BOSS, made.id, said, id="c1")
    assert correct(db, BOSS, made.id, said, id="c1") == done
    (event,) = told(db, "audit")
    body, details = event.body, event.body["details"]
    assert (body["action"], body["subject"], body["by"]) == ("punch_corrected", "anna", "cli")
    assert (details["punch"], details["correction"]) == (made.id, "c1")
    assert details["to"] == "2026-11-02T08:55:00.000Z"
    assert correction_json(done)["says"] == "Frau Weber"


def test_a_missing_punch_is_added(db):
    done = add(db, BOSS, "anna", Said("forgot", "boss", at=NINE, type=PunchType.IN))
    (found,) = punches.counted(db, NINE, NINE + DAY, "anna")
    assert (found.id, found.corrected, told(db, "audit")[0].body["action"]) == (done.id, done.id, "punch_added")


@pytest.mark.parametrize(
    ("names", "said", "code", "message"),
    [
        ("nothing", Said("w", "b", void=True), Code.UNKNOWN_PUNCH, "no punch or correction has the id 'nothing'"),
        (None, Said(" ", "b", void=True), Code.BAD_REQUEST, "say why"),
        (None, Said("w", " ", void=True), Code.BAD_REQUEST, "say who"),
        (None, Said("w", "b"), Code.BAD_REQUEST, "say what is right"),
        (None, Said("w", "b", at=BOSS.at + DAY), Code.BAD_REQUEST, "has not come yet"),
    ],
)
def test_what_makes_no_sense_is_refused(db, names, said, code, message):
    made = come(db)
    with pytest.raises(CommandError, match=message) as caught:
        correct(db, BOSS, names or made.id, said)
    assert caught.value.code == code
    assert punches.corrections(db) == told(db, "audit") == []


def test_an_id_is_not_used_for_something_else(db):
    made = come(db)
    correct(db, BOSS, made.id, Said("w", "b", void=True), id="c1")
    with pytest.raises(CommandError, match="is taken"):
        correct(db, BOSS, made.id, Said("w", "b", at=NINE), id="c1")


def test_nothing_is_added_for_nobody(db):
    with pytest.raises(CommandError) as caught:
        add(db, BOSS, "zoe", Said("w", "b", at=NINE, type=PunchType.IN))
    assert caught.value.code == Code.UNKNOWN_PERSON


def test_what_was_punched_before_the_clock_was_right_is_re_timed_once(db):
    made = come(db, utc("1970-01-01 00:01:40"), uptime=100.0, clock=Clock.UNSYNCHRONISED)
    right = Request("cli", NINE, "b1")
    (done,) = retime_boot(db, "b1", right, uptime=3700.0)
    assert retime_boot(db, "b1", right, uptime=3700.0) == []
    (found,) = punches.counted(db, NINE - DAY, NINE, "anna")
    assert (found.at, found.clock, found.corrected) == (NINE - timedelta(hours=1), Clock.SYNCHRONISED, done.id)
    assert told(db, "audit")[0].body["action"] == "punch_retimed"
    assert punches.find(db, made.id) == made
