"""What a page shows of attendance: today, the month of one and of everybody, and files in lots."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from agent.attendance.punch import Correction
from agent.attendance.rules import PunchType
from agent.errors import CommandError
from agent.reports.basis import attendance, month_of, one_by_one
from agent.reports.board import board, board_json
from agent.reports.everybody import lot_json
from agent.reports.exported import Kind, csv_in_lots, exported, file_name, kinds
from agent.reports.month import month_json, year_json
from agent.reports.rows import SUMS, as_csv, as_json
from agent.reports.words import hours
from agent.store import events
from agent.store import people as person_store
from agent.store import punches as store
from agent.store.db import open_db
from agent.store.members import set_groups
from agent.store.rosters import who_worked
from tests.fakes.timeclock import punches, shift, site, wall

RULES = site(**shift("08:00-17:00", days="1111100", break_minutes=30, late_minutes=5))
NIGHTS = site(**shift("22:00-06:00", days="1111111"))
OCTOBER = month_of("2026-10")
NOVEMBER = month_of("2026-11")
AT = wall("2026-12-02 00:00")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as opened:
        yield opened


def hire(db, *ids):
    for each in ids:
        person_store.add_person(db, each, name=each.title(), at=datetime(2026, 1, 1, tzinfo=UTC))
        set_groups(db, each, ["staff"])


def punch(db, text, person="anna"):
    made = punches(text, person)
    for each in made:
        store.append(db, each)
    return [each.id for each in made]


def said(db, id_, punch_id, person="anna", **right):
    made = Correction(id_, punch_id, person, "olga", f"why {id_}", wall("2026-11-03 09:00"), **right)
    store.add_correction(db, made)


def days(told):
    return {day["day"]: day for day in told["days"]}


# Today


THURSDAY = "2026-11-26"


@pytest.mark.parametrize(
    ("now", "lines", "state"),
    [
        pytest.param("07:00", "", "expected", id="before the shift"),
        pytest.param("08:04", "", "expected", id="not late yet"),
        pytest.param("08:06", "", "missing", id="late"),
        pytest.param("18:00", "", "missing", id="the whole day"),
        pytest.param("10:00", "in 08:00", "in", id="in"),
        pytest.param("12:10", "in 08:00 ( 12:00", "break", id="on a break"),
        pytest.param("18:00", "in 08:00 out 17:00", "gone", id="gone"),
        pytest.param("18:00", "in 08:00 out 12:00 in 13:00", "in", id="back again"),
    ],
)
def test_where_somebody_is_today(db, now, lines, state):
    hire(db, "anna")
    if lines:
        punch(db, f"{THURSDAY}: {lines}")
    told = board_json(board(db, RULES, wall(f"{THURSDAY} {now}"), "front"), 100)
    assert [(each["person"], each["state"]) for each in told["people"]] == [("anna", state)]
    assert told["counts"][state] == 1
    assert (told["day"], told["zone"]) == (THURSDAY, "Europe/Berlin")


def test_nobody_is_on_the_board_who_has_no_plan_and_did_not_come(db):
    hire(db, "anna")
    assert board_json(board(db, RULES, wall("2026-11-28 12:00"), "front"), 100)["people"] == []  # a Saturday


@pytest.mark.parametrize(
    ("now", "lines", "state", "day"),
    [
        pytest.param("2026-11-26 03:00", "2026-11-25: in 22:00", "in", "22:00", id="in the middle of the night"),
        pytest.param("2026-11-26 03:00", "", "missing", "22:00", id="should be here since yesterday"),
        pytest.param("2026-11-26 12:00", "2026-11-25: in 22:00 out 06:00+1", "expected", "22:00", id="due tonight"),
    ],
)
def test_a_night_shift_is_that_of_the_evening_before(db, now, lines, state, day):
    hire(db, "anna")
    punch(db, lines)
    (each,) = board_json(board(db, NIGHTS, wall(now), "front"), 100)["people"]
    assert (each["state"], each["planned"][0][0]) == (state, day)
    assert bool(each["worked_seconds"]) == (state == "in")


def test_what_is_wrong_of_the_last_days_is_told_and_who_came_at_what_hour(db):
    hire(db, "anna", "ben")
    punch(db, "2026-11-25: out 17:00\n2026-11-26: in 09:10")
    punch(db, "2026-11-26: in 09:59", "ben")
    told = board_json(board(db, RULES, wall("2026-11-26 10:00"), "front"), 100)
    remarks = [(each["day"], each["person"], each["what"]) for each in told["remarks"]]
    assert ("2026-11-25", "anna", "missing in") in remarks
    assert "2026-11-26" not in [remark[0] for remark in remarks]  # late: that is on the list of people
    assert told["people"][0]["flags"] == [{"flag": "late", "says": "late 1:10", "tone": "warn"}]
    assert told["arrivals"][9] == sum(told["arrivals"]) == 2
    few = board_json(board(db, RULES, wall("2026-11-26 10:00"), "front"), 1)
    assert (len(few["people"]), few["counts"]["in"]) == (1, 2)
    assert len(few["remarks"]) + few["more_remarks"] == len(told["remarks"])


# The month of one


def test_the_month_of_one_is_what_the_report_says(db):
    hire(db, "anna")
    punch(db, "2026-11-02: in 08:20 ( 12:00 ) 12:30 out 17:00\n2026-11-03: in 08:00 out 18:00\n2026-11-04: in 08:00")
    told = month_json(db, RULES, *NOVEMBER, at=AT, person="anna")
    (sheet,) = as_json(attendance(db, RULES, *NOVEMBER, at=AT, person="anna"))
    assert {name: told[name] for name in SUMS} == {name: sheet[name] for name in SUMS}
    assert len(told["days"]) == 30
    for row in sheet["days"]:
        day = days(told)[row["day"]]
        assert {name: day[name] for name in SUMS} == {name: row[name] for name in SUMS}
        assert day["cells"][:2] == [row["in"][11:16], row["out"][11:16] or "\u2026" * bool(row["in"])]
        assert " ".join(flag["flag"] for flag in day["flags"]) == row["flags"]
    monday = days(told)["2026-11-02"]
    assert monday["cells"] == ["08:20", "17:00", "8:10", "0:30", "\u22120:20"]
    assert told["sums"][0] == ("worked", hours(sheet["worked_seconds"]))
    assert monday["planned"] == [["08:00", "17:00"]]
    assert monday["flags"] == [{"flag": "late", "says": "late 0:20", "tone": "warn"}]
    assert [piece.kind for piece in monday["pieces"]] == ["plan", "work", "break"]
    assert [each["counts"]["type"] for each in monday["punches"]] == ["in", "break_start", "break_end", "out"]


def test_a_correction_stands_beside_what_was_made(db):
    hire(db, "anna")
    came, left = punch(db, "2026-11-02: in 08:20 out 17:00")
    said(db, "c1", came, at=wall("2026-11-02 08:00"))
    said(db, "c2", left, void=True)
    said(db, "c3", None, at=wall("2026-11-02 18:00"), type=PunchType.OUT)
    said(db, "c4", "c1", void=True)
    first, gone, added = days(month_json(db, RULES, *NOVEMBER, at=AT, person="anna"))["2026-11-02"]["punches"]
    assert first["made"]["at"] == first["counts"]["at"] == "2026-11-02T08:20:00+01:00"
    assert [(each["id"], each["stands"], each["by"], each["says"]) for each in first["said"]] == [
        ("c1", False, "olga", "08:00"), ("c4", True, "olga", "does not count")
    ]  # fmt: skip
    assert (gone["id"], gone["counts"], gone["said"][0]["why"]) == (left, None, "why c2")
    assert (added["id"], added["how"], added["counts"]["says"]) == ("c3", "added", "18:00 out")


@pytest.mark.parametrize(
    ("month", "lines", "count"),
    [
        pytest.param(NOVEMBER, "2026-10-31: in 22:00 out 06:00+1", 0, id="begun in the month before"),
        pytest.param(OCTOBER, "2026-10-31: in 22:00 out 06:00+1", 2, id="reaching into the month after"),
    ],
)
def test_a_night_at_the_edge_of_a_month_is_shown_once(db, month, lines, count):
    hire(db, "anna")
    punch(db, lines)
    told = month_json(db, NIGHTS, *month, at=AT, person="anna")
    assert sum(len(day["punches"]) for day in told["days"]) == count
    assert told["worked_seconds"] == (8 * 3600 if count else 0)


@pytest.mark.parametrize(
    ("month", "day", "length", "worked"),
    [
        pytest.param("2026-03", "2026-03-28", 24, 7, id="the night into summer time"),
        pytest.param("2026-03", "2026-03-29", 23, 8, id="the day that is short"),
        pytest.param("2026-10", "2026-10-24", 24, 9, id="the night out of summer time"),
        pytest.param("2026-10", "2026-10-25", 25, 8, id="the day that is long"),
    ],
)
def test_days_on_which_the_clock_changes(db, month, day, length, worked):
    hire(db, "anna")
    first, last = month_of(month)
    punch(db, "\n".join(f"2026-{month[5:]}-{number}: in 22:00 out 06:00+1" for number in (24, 25, 28, 29)))
    told = days(month_json(db, NIGHTS, first, last, at=AT, person="anna"))[day]
    assert (told["length_hours"], told["worked_seconds"]) == (length, worked * 3600)
    assert told["punches"][0]["counts"]["says"].startswith("22:00")
    assert told["planned"] == [["22:00", "06:00"]]


def test_somebody_nobody_knows_has_no_month(db):
    with pytest.raises(CommandError, match="nobody is enrolled as 'nobody'"):
        month_json(db, RULES, *NOVEMBER, at=AT, person="nobody")


def test_an_empty_month_has_its_days(db):
    person_store.add_person(db, "zoe", name="Zoe", at=AT)
    told = month_json(db, RULES, *NOVEMBER, at=AT, person="zoe")
    assert (len(told["days"]), told["worked_seconds"], told["shift"]) == (30, 0, None)


def test_the_year_is_the_months_together(db):
    hire(db, "anna")
    punch(db, "2026-11-02: in 08:00 out 17:00\n2026-10-05: in 08:00 out 18:00")
    told = year_json(db, RULES, 2026, at=AT, person="anna")
    worked = {day: says for day, _, says in told["days"] if says[0] != "0:00"}
    assert worked == {"2026-10-05": ["9:30", "+1:00"], "2026-11-02": ["8:30", "0:00"]}
    assert ("2026-11-02", "8:30") in [(day, worked) for day, worked, _ in told["months"]]
    assert [day[:7] for day, *_ in told["months"]] == [f"2026-{number:02}" for number in range(1, 13)][
        : len(told["months"])
    ]


# Everybody, in lots


def crowd(db, count):
    hire(db, *(f"p{number:03}" for number in range(count)))
    with db.transaction():
        for number in range(count):
            punch(db, f"2026-11-02: in 08:{number % 60:02} out 17:00\n2026-11-03: in 08:00", f"p{number:03}")


def test_lots_together_are_everybody(db):
    crowd(db, 7)
    told, after = [], ""
    while True:
        lot = lot_json(db, RULES, *NOVEMBER, at=AT, after=after, limit=3)
        told.append(lot)
        after = lot["last"]
        if not lot["more"]:
            break
    people = [person for lot in told for person in lot["people"]]
    sheets = as_json(attendance(db, RULES, *NOVEMBER, at=AT))
    assert [{name: each[name] for name in ("person", *SUMS)} for each in people] == [
        {name: each[name] for name in ("person", *SUMS)} for each in sheets
    ]
    assert [len(lot["people"]) for lot in told] == [3, 3, 1]
    assert sum(sum(lot["arrivals"]) for lot in told) == 7
    assert {len(each["days"]) for each in people} == {30}
    assert all(remark["name"] for lot in told for remark in lot["remarks"])


def test_strangers_are_told_with_the_first_lot_alone_and_nobody_is_a_lot(db):
    events.append(db, "access", wall("2026-11-04 10:15"), "boot", {"outcome": "denied", "reason": "unknown"})
    first = lot_json(db, RULES, *NOVEMBER, at=AT)
    assert [(each["day"], each["person"], each["detail"]) for each in first["remarks"]] == [
        ("2026-11-04", None, "10:15 turned away: unknown")
    ]
    assert (first["people"], first["more"], first["last"]) == ([], False, "")
    assert lot_json(db, RULES, *NOVEMBER, at=AT, after="anna")["remarks"] == []


def test_how_much_is_read_does_not_grow_with_the_punches(db):
    """Of a lot: of one as much as of thirty times as many punches."""
    crowd(db, 5)
    asked = []
    db.sql.set_trace_callback(asked.append)
    lot_json(db, RULES, *NOVEMBER, at=AT)
    few = len(asked)
    db.sql.set_trace_callback(None)
    with db.transaction():
        for number in range(4, 26):
            punch(db, f"2026-11-{number:02}: in 08:00 ( 12:00 ) 12:30 out 17:00", "p001")
    db.sql.set_trace_callback(asked.append)
    asked.clear()
    lot_json(db, RULES, *NOVEMBER, at=AT)
    assert len(asked) == few
    asked.clear()
    board(db, RULES, wall("2026-11-26 12:00"), "front")
    assert len(asked) < 10


def test_who_worked_is_found_without_a_look_at_every_punch(db):
    def steps():
        taken = []
        db.sql.set_progress_handler(lambda: taken.append(1), 1)
        assert who_worked(db, after="p000", limit=3) == ["p001", "p002", "p003"]
        db.sql.set_progress_handler(None, 0)
        return len(taken)

    crowd(db, 5)
    few = steps()
    with db.transaction():
        for number in range(4, 26):
            punch(db, f"2026-11-{number:02}: in 08:00 out 17:00", "p001")
    assert steps() == few
    assert who_worked(db, after="p003", limit=3) == ["p004"]
    assert who_worked(db, after="p004", limit=3) == []


def test_of_one_person_nothing_is_read_of_all_others(db):
    crowd(db, 3)
    asked = []
    db.sql.set_trace_callback(asked.append)
    month_json(db, RULES, *NOVEMBER, at=AT, person="p001")
    db.sql.set_trace_callback(None)
    plans = [row[3] for query in set(asked) for row in db.rows(f"EXPLAIN QUERY PLAN {query}")]
    whole = ("SCAN rosters", "SCAN people", "SCAN memberships", "punches_at")
    assert [plan for plan in plans for each in whole if each in plan] == []


def test_of_one_of_many_nothing_is_read_of_the_others(db):
    crowd(db, 3)
    asked = []
    db.sql.set_trace_callback(asked.append)
    told = [*one_by_one(db, RULES, *NOVEMBER, ["p001", "nobody", "p002"], at=AT)]
    db.sql.set_trace_callback(None)
    plans = [row[3] for query in set(asked) for row in db.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
    assert [each.names for each in told] == [{"p001": "P001"}, {}, {"p002": "P002"}]
    assert [[sheet.person for sheet in each.sheets] for each in told] == [["p001"], [], ["p002"]]


# Files


def test_in_lots_a_file_of_everybody_has_the_same_bytes(db):
    crowd(db, 30)
    person_store.remove_person(db, "p003")  # whose punches are still there
    hire(db, "zoe")
    said(db, "c1", None, "zoe", at=wall("2026-11-07 08:00"), type=PunchType.IN)
    person_store.remove_person(db, "zoe")  # of whom there is a correction alone
    whole = as_csv(attendance(db, RULES, *NOVEMBER, at=AT))
    lots = list(csv_in_lots(db, RULES, *NOVEMBER, at=AT))
    assert b"".join(lots).decode() == whole
    assert len(lots) == 3
    assert "zoe" in {row["person"] for row in csv.DictReader(io.StringIO(whole, newline=""))}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_file(db, kind):
    crowd(db, 2)
    made = exported(attendance(db, RULES, *NOVEMBER, at=AT), kind)
    assert made.startswith({Kind.CSV: b"person,", Kind.XLSX: b"PK", Kind.HTML: b"<!doctype html>"}[kind])
    assert kind in kinds()
    assert file_name(date(2026, 11, 1), kind, "p001") == f"attendance-2026-11-p001.{kind}"
    assert file_name(date(2026, 11, 1), kind, None) == f"attendance-2026-11.{kind}"
