"""The views say what the reports of a device say, as far as that goes without its rules."""

import pytest

from agent.fleet.letter import read
from agent.fleet.writer import Writer
from agent.reports.rows import COLUMNS
from tests.fakes.fleet import NOW, Device


@pytest.fixture
def door():
    return Device()


@pytest.fixture
def write(pg):
    def write(*deliveries):
        Writer(lambda: pg).write([read(each, lambda *_: [Device().key.public]) for each in deliveries])

    return write


def days(pg, columns="worked_seconds, break_seconds, flags"):
    return pg.execute(f"SELECT {columns} FROM attendance_days ORDER BY person, day").fetchall()  # noqa: S608


def test_the_columns_are_those_of_the_device(pg):
    named = [column.name for column in pg.execute("SELECT * FROM attendance_days").description]
    assert named == ["site", *COLUMNS]


@pytest.mark.parametrize(
    ("punches", "told"),
    [
        pytest.param([("in", 0), ("out", 480)], (28_800, 0, ""), id="a day"),
        pytest.param(
            [("in", 0), ("break_start", 240), ("break_end", 270), ("out", 480)], (27_000, 1800, ""), id="a break"
        ),
        pytest.param([("in", 0), ("out", 60), ("in", 120), ("out", 180)], (7200, 0, ""), id="twice"),
        pytest.param([("in", 0)], (0, 0, "missing_out"), id="not gone"),
        pytest.param([("out", 60)], (0, 0, "missing_in"), id="never come"),
        pytest.param([("in", 0), ("in", 60), ("out", 120)], (3600, 0, "missing_out"), id="came twice"),
    ],
)
def test_a_day(pg, door, write, punches, told):
    write(*(door.punch("anna", type_, minutes) for type_, minutes in punches))
    assert days(pg) == [told]


def test_repeats_do_not_count_and_doubtful_clocks_are_told(pg, door, write):
    write(
        door.punch("anna", "in", 0, clock="unsynchronised"),
        door.punch("anna", "in", 1, repeat=True),
        door.punch("anna", "out", 60),
    )
    assert days(pg) == [(3600, 0, "unsynchronised")]


def test_corrections_are_in_force_until_they_are_withdrawn(pg, door, write):
    came, left = door.punch("anna", "in", 0), door.punch("anna", "out", 600)
    write(came, left)
    punch = pg.execute("SELECT id FROM events WHERE body ->> 'type' = 'out'").fetchall()[0][0]
    told = {"correction": "c1", "punch": punch, "to": "2026-11-22T07:00:00.000Z", "says": "boss"}
    write(door.audit("punch_corrected", "anna", told, 700))
    assert days(pg) == [(3600, 0, "corrected")]
    write(door.audit("punch_voided", "anna", {"correction": "c2", "punch": "c1"}, 701))
    assert days(pg) == [(36_000, 0, "")]
    write(door.audit("punch_voided", "anna", {"correction": "c3", "punch": punch}, 702))
    assert days(pg) == [(0, 0, "missing_out")]
    added = {"correction": "c4", "type": "out", "to": "2026-11-22T08:00:00.000Z", "says": "boss"}
    write(door.audit("punch_added", "anna", added, 703))
    assert days(pg) == [(7200, 0, "")]


def test_a_night_belongs_to_the_day_on_which_it_began_where_the_site_says_so(pg, door, write):
    pg.execute("INSERT INTO sites VALUES ('hq', 'Europe/Berlin', '05:00')")
    write(door.punch("anna", "in", 16 * 60), door.punch("anna", "out", 20 * 60))  # 23:00 to 03:00 in Berlin
    assert days(pg, "day::text, worked_seconds") == [("2026-11-22", 14_400)]


def test_who_is_in(pg, door, write):
    write(
        door.punch("anna", "in", 0),
        door.punch("ben", "in", 0),
        door.punch("ben", "out", 5),
        door.punch("carl", "in", 0),
        door.punch("carl", "break_start", 3),
    )
    pg.execute("UPDATE events SET at = now() - ('2026-11-22T07:00:00Z' - at)")
    assert pg.execute("SELECT person, device, on_break FROM who_is_in ORDER BY 1").fetchall() == [
        ("anna", "door", False),
        ("carl", "door", True),
    ]


def test_exceptions(pg, door, write):
    write(
        door.punch("anna", "out", 0),
        door.event(person=None, outcome="denied", reason="not_live"),
        door.event(person="anna", outcome="denied", reason="outside_hours"),
    )
    assert pg.execute("SELECT day::text, person, what, detail FROM exceptions ORDER BY what").fetchall() == [
        ("2026-11-22", "anna", "missing_in", ""),
        ("2026-11-22", None, "unknown", "06:00 turned away: not live"),
    ]


def test_devices_have_a_line_each(pg, door, write):
    write(door.event(), door.event(), door.say("status", {"state": "online", "version": "0.1.0", "model": "m"}))
    (line,) = pg.execute("SELECT site, device, state, version, missing FROM devices").fetchall()
    assert line == ("hq", "door", "online", "0.1.0", 0)
    assert NOW
