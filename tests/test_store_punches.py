"""Punches and corrections in the database: as they were made, whatever was said later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.attendance.punch import Clock, Correction
from agent.attendance.rules import PunchType, TypeBy
from agent.store import punches
from agent.store.db import open_db
from agent.store.retention import delete_attendance, old_attendance
from tests.fakes.timeclock import punch, utc

NOON = utc("2026-11-02 12:00")
HOUR = timedelta(hours=1)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def correct(own, names, **what):
    return Correction(own, names, "anna", "boss", "forgot", NOON, **what)


def test_a_punch_reads_back_as_it_was(db):
    made = punch(
        "in", NOON, key="welding", job="J7", by=TypeBy.KEY, repeat=True, site="hq", device="front", boot_id="b1",
        uptime=12.25, clock=Clock.RTC,
    )  # fmt: skip
    for _ in range(2):
        punches.append(db, made)
    assert punches.find(db, made.id) == made
    assert punches.made(db, NOON, NOON + HOUR) == [made]
    assert punches.find(db, "other") is None


def test_another_punch_with_the_same_id_is_refused(db):
    made = punch("in", NOON)
    punches.append(db, made)
    with pytest.raises(ValueError, match="is taken by another of the punches"):
        punches.append(db, replace(made, type=PunchType.OUT))


def test_a_correction_reads_back_as_it_was(db):
    for each in (correct("c", "p", at=NOON, type=PunchType.OUT, job=""), correct("d", "c", void=True)):
        punches.add_correction(db, each)
        assert punches.find_correction(db, each.id) == each
    assert [each.id for each in punches.corrections(db)] == ["c", "d"]
    assert punches.corrections(db, "ben") == []


def test_what_counts_is_of_one_person_and_one_time(db):
    mine, other, late = punch("in", NOON), punch("in", NOON, "ben"), punch("out", NOON + HOUR)
    for each in (late, other, mine):
        punches.append(db, each)
    assert punches.counted(db, NOON, NOON + HOUR) == sorted([mine, other], key=lambda each: each.id)
    assert punches.counted(db, NOON, NOON + 2 * HOUR, "anna") == [mine, late]


@pytest.mark.parametrize("person", [None, "anna"])
def test_a_punch_counts_when_it_is_corrected_to_be(db, person):
    made = punch("in", utc("1970-01-01 00:01"))
    punches.append(db, made)
    punches.add_correction(db, correct("c", made.id, at=NOON))
    (found,) = punches.counted(db, NOON, NOON + HOUR, person)
    assert (found.id, found.at) == (made.id, NOON)
    assert punches.counted(db, made.at, made.at + HOUR, person) == []
    assert punches.find(db, made.id) == made


def test_punches_of_a_start_without_a_clock(db):
    wrong = punch("in", NOON, clock=Clock.UNSYNCHRONISED, boot_id="b1")
    for each in (wrong, punch("in", NOON, boot_id="b1"), punch("in", NOON, boot_id="b2", clock=Clock.UNSYNCHRONISED)):
        punches.append(db, each)
    assert punches.untimed(db, "b1") == [wrong]


def test_old_punches_go_but_not_those_corrected_since(db):
    old, corrected, new = punch("in", NOON - 9 * HOUR), punch("out", NOON - 8 * HOUR), punch("in", NOON)
    for each in (old, corrected, new):
        punches.append(db, each)
    long_ago = {"made_at": NOON - 7 * HOUR}
    punches.add_correction(db, replace(correct("c", old.id, type=PunchType.OUT), **long_ago))
    punches.add_correction(db, correct("d", corrected.id, type=PunchType.IN))
    assert old_attendance(db, NOON - HOUR) == 2
    assert delete_attendance(db, NOON - HOUR) == 2
    assert [punches.find(db, each.id) for each in (old, corrected, new)] == [None, corrected, new]
    assert [each.id for each in punches.corrections(db)] == ["d"]
