"""Who is forgotten at the door is forgotten in the fleet: before, at once, and for what comes late."""

from datetime import timedelta

import pytest

from agent.fleet.letter import Doubt, Why, read
from agent.fleet.source import Delivery
from agent.fleet.writer import Writer
from tests.fakes.fleet import NOW, Device


@pytest.fixture
def door():
    return Device()


@pytest.fixture
def write(pg):
    writer = Writer(lambda: pg)

    def write(*deliveries, device="door"):
        return writer.write([read(each, lambda *_: [Device(device).key.public]) for each in deliveries])

    return write


def everything(pg):
    return str(pg.execute("SELECT person, people, body FROM events ORDER BY seq").fetchall())


def forgotten(door, person, minutes=60):
    return door.audit("forgotten", person, {"receipt": "r-1", "rule": "asked"}, minutes)


def test_all_events_lose_the_person_and_can_still_be_counted(pg, door, write):
    write(
        door.event(person="anna", outcome="granted", name="Anna Ek", detail="0.71 to anna, need 0.52", badge="7"),
        door.event(person="ben", second="anna", companion="anna", outcome="granted"),
        door.punch("anna", "in", 0),
        door.audit("enrolled", "anna", {"templates": 3}),
        door.audit("rules_applied", None, {"version": 3}, by="anna"),
    )
    write(forgotten(door, "anna"))
    text = everything(pg)
    assert "anna" not in text
    assert "Anna" not in text
    assert "ben" in text
    (count,) = pg.execute("SELECT count(DISTINCT person), count(person) FROM events WHERE person <> 'ben'").fetchall()
    assert count == (1, 2)
    assert pg.execute("SELECT receipt, events, late FROM forgettings").fetchall() == [("r-1", 5, 0)]
    assert "anna" not in str(pg.execute("SELECT * FROM forgettings").fetchall())


def test_twice_is_once(pg, door, write):
    event = forgotten(door, "anna")
    write(door.event(person="anna"), event)
    before = everything(pg)
    write(event)
    write(event)
    assert everything(pg) == before
    assert pg.execute("SELECT count(*) FROM forgettings").fetchall() == [(1,)]


def test_what_another_door_tells_late_gets_the_same_pseudonym(pg, door, write):
    write(door.event(person="anna"), forgotten(door, "anna"))
    other = Device("other")
    late = other.event(when=NOW - timedelta(days=20), person="anna", detail="0.71 to anna, need 0.52")
    write(late, device="other")
    write(late, device="other")
    assert "anna" not in everything(pg)
    people = pg.execute("SELECT DISTINCT person FROM events WHERE person IS NOT NULL").fetchall()
    assert len(people) == 1


def test_what_was_told_by_a_clock_that_was_ahead_goes_as_well(pg, door, write):
    write(door.event(when=NOW + timedelta(days=900), person="anna"))
    pg.execute("UPDATE events SET stored_at = %s", [NOW])
    write(forgotten(door, "anna"))
    assert "anna" not in everything(pg)


def test_a_door_whose_clock_was_not_set_forgets_until_now(pg, door, write):
    write(door.event(person="anna"))
    write(door.audit("forgotten", "anna", {"receipt": "r-1"}, minutes=-60 * 24 * 365 * 50, clock="unsynchronised"))
    assert "anna" not in everything(pg)


def test_two_lives_under_one_id_keep_their_pseudonyms(pg, door, write):
    for day in (0, 10):
        write(door.event(when=NOW + timedelta(days=day), person="anna"), forgotten(door, "anna", 60 * 24 * day + 1))
    early, late = (Device("other") for _ in range(2))
    write(late.event(when=NOW + timedelta(days=5), person="anna"), device="other")
    write(early.event(when=NOW - timedelta(days=5), person="anna"), device="other")
    (lives,) = pg.execute("SELECT array_agg(person ORDER BY at) FROM events WHERE person IS NOT NULL").fetchone()
    assert lives[0] == lives[1] != lives[2] == lives[3]


def test_who_comes_back_later_is_somebody_new(pg, door, write):
    write(door.event(person="anna"), forgotten(door, "anna"))
    write(door.event(when=NOW + timedelta(days=1), person="anna"))
    assert pg.execute("SELECT count(*) FROM events WHERE person = 'anna'").fetchall() == [(1,)]


def test_another_site_s_person_of_that_name_stays(pg, door, write):
    elsewhere = Device(site="lab")
    write(elsewhere.event(person="anna"))
    write(door.event(person="anna"), forgotten(door, "anna"))
    assert pg.execute("SELECT site, person FROM events WHERE person = 'anna'").fetchall() == [("lab", "anna")]


def test_former_ids_go_as_well(pg, door, write):
    write(
        door.event(person="ann"),
        door.audit("renamed", "anne", {"was": "ann"}),
        door.event(person="anne"),
        door.audit("merged", "anna", {"was": "anne", "templates": 2}),
        door.event(person="anna"),
    )
    write(forgotten(door, "anna"))
    text = everything(pg)
    assert not any(f"'{each}'" in text for each in ("ann", "anne", "anna"))
    late = Device("other").event(when=NOW - timedelta(days=1), person="ann")
    write(late, device="other")
    assert "'ann'" not in everything(pg)


def test_the_quarantine_forgets_too(pg, door, write):
    Writer(lambda: pg).write(
        [Doubt("hq", "x", Why.UNSIGNED, "", Delivery("latchkey/v1/hq/x/event/access", b'{"person":"anna"}'))]
    )
    write(forgotten(door, "anna"))
    assert pg.execute("SELECT count(*) FROM quarantine").fetchall() == [(0,)]


def test_a_person_called_as_our_words_takes_none_of_them_along(pg, door, write):
    write(door.event(person="granted", outcome="granted", kind="access"), forgotten(door, "granted"))
    assert pg.execute("SELECT body ->> 'outcome' FROM events WHERE kind = 'access'").fetchall() == [("granted",)]
