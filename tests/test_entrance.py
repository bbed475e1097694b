"""At the door: it hears first, then the record; and what is written of each decision."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest

from agent import knowledge as knowledge_module
from agent import recorder as recorder_module
from agent.access.around import Passage
from agent.access.holder import State
from agent.access.rules import AntiPassback, DoorRules, Mode, Zone
from agent.errors import HardwareError
from agent.knowledge import Knowledge, Takers
from agent.store import punches
from agent.store.audit import since
from agent.store.db import open_db
from agent.store.door import load_mode
from agent.store.members import update
from agent.store.people import add_person
from agent.store.standings import load_standings
from agent.types import Alarm, Credential, Outcome, Reason, Shown
from tests.fakes.disks import small_disk
from tests.fakes.doors import NotingDoor
from tests.fakes.doorways import ANNA, BEN, MONDAY, STAFF, Holder, door, rules
from tests.fakes.entrances import BEGAN, Hall

BUILDING = Zone("building", AntiPassback.HARD)


@pytest.fixture
def make(tmp_path):
    made = []

    def hall(*people, **more):
        made.append(Hall(tmp_path, *(people or (ANNA, BEN)), **more))
        return made[-1]

    yield hall
    for each in made:
        each.close()


# A face


def test_somebody_known_is_let_in_before_it_is_recorded(make):
    hall = make()
    hall.face("anna")
    ((seconds, waiting),) = hall.door.pulses
    assert seconds == pytest.approx(5.0, abs=0.1)
    assert waiting == 0  # the door heard of it before the recorder did
    (event,) = hall.events()
    assert (event.at, event.boot_id) == (BEGAN, "boot")
    body = event.body
    assert (body["outcome"], body["reason"], body["person"], body["shown"]) == ("granted", "match", "anna", ["face"])
    assert (body["model"], body["clock"], body["similarity"]) == ("enc-1", "unknown", 0.7)
    assert [decision.outcome for decision in hall.decided] == [Outcome.GRANTED]
    assert hall.doorman.report().last_opened_by == "anna"


def test_a_stranger_is_recorded_and_the_door_stays_shut(make):
    hall = make()
    hall.face(None)
    assert [event.body["reason"] for event in hall.events()] == ["unknown"]
    assert hall.door.pulses == []
    assert hall.doorman.report().last_opened_by is None


def test_as_long_as_configured_and_longer_for_those_who_need_it(make):
    hall = make(ANNA, Holder("dora", STAFF, extended=True), **{"door.pulse_seconds": 2.5})
    hall.face("anna")
    hall.later(60)
    hall.face("dora")
    assert [round(seconds, 1) for seconds, _ in hall.door.pulses] == [2.5, 15.0]


def test_a_relay_that_fails_leaves_a_trace_and_is_no_secret(make):
    hall = make(door_=NotingDoor(broken=True))
    with pytest.raises(HardwareError, match="does not obey"):
        hall.face("anna")
    assert hall.decided == []
    assert [event.body["outcome"] for event in hall.events()] == ["granted"]


@pytest.mark.parametrize("policy", ["stay_shut", "open"])
def test_a_full_disk(tmp_path, monkeypatch, wait_for, policy):
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.1)
    with small_disk(tmp_path) as disk:
        hall = Hall(tmp_path, ANNA, **{"door.on_storage_failure": policy})
        hall.worker.start()
        hall.face("anna")
        wait_for(lambda: hall.recorded)
        disk.fill(hall.db)
        while hall.recorder.healthy:  # the last page may have room for an event or two
            hall.face("anna", repeat=True)
            wait_for(lambda: len(access(hall)) == len(hall.decided) or not hall.recorder.healthy)
        before = len(hall.door.pulses)
        hall.face("anna")
        hall.face(None)
        expected = {"open": [Reason.MATCH, Reason.UNKNOWN], "stay_shut": [Reason.STORAGE_FAILED, Reason.UNKNOWN]}
        assert [decision.reason for decision in hall.decided[-2:]] == expected[policy]
        assert hall.decided[-2].person == "anna"
        assert len(hall.door.pulses) == before + (policy == "open")
        disk.free(hall.db)
        wait_for(lambda: len(access(hall)) == len(hall.decided))
        assert [(e.body["outcome"], e.body["reason"]) for e in access(hall)] == [
            (d.outcome.value, d.reason.value) for d in hall.decided
        ]
        hall.face("anna")
        wait_for(lambda: len(access(hall)) == len(hall.decided))
        assert (hall.decided[-1].outcome, hall.recorder.lost, hall.crashes) == (Outcome.GRANTED, 0, [])
        hall.close()


def access(hall):
    return [event for event in hall.recorded if event.kind == "access"]


# More than a face


def test_a_pin_is_asked_for_and_given(make):
    hall = make(of=door("face+pin"))
    hall.face("anna")
    assert hall.told == [("pending", "pin_needed", "anna")]
    assert (hall.events(), hall.door.pulses) == ([], [])
    hall.pin("4711")
    assert hall.told[-1] == ("granted", "credential", "anna")
    (event,) = hall.events()
    assert event.body["shown"] == [Shown.FACE, Shown.PIN]
    assert event.body["similarity"] == 0.7
    assert "4711" not in str(event.body)
    assert load_standings(hall.db)["anna"].pin_at == BEGAN


def test_who_does_not_go_on_is_refused_and_looked_at_again(make):
    hall = make(of=door("face+pin"))
    hall.face("anna")
    hall.later(14)
    assert hall.again == []
    hall.later(2)
    assert hall.told[-1] == ("denied", "incomplete", "anna")
    assert hall.again == ["anna"]
    assert [event.body["reason"] for event in hall.events()] == ["incomplete"]


def test_who_typed_something_wrong_and_did_not_go_on_is_looked_at_again_without_a_word(make):
    hall = make(of=door("face+pin"))
    hall.face("anna")
    hall.pin("0000")
    hall.later(14)
    assert hall.again == []
    hall.later(2)
    assert hall.again == ["anna"]
    assert hall.told[-1] == ("denied", "wrong_pin", "anna")


def test_who_was_refused_for_what_passes_is_looked_at_again_when_it_has_passed(make):
    hall = make(of=door(interlock=("inner",)), more=(DoorRules("inner"),))
    hall.later(1)
    hall.face("anna")  # the other door is silent
    hall.face("ben")
    assert hall.told[0] == ("denied", "interlock", "anna")
    hall.later(1)
    assert hall.again == []
    hall.entrance.set_mode(Mode.FREE_ACCESS)
    hall.later(1)
    assert sorted(hall.again) == ["anna", "ben"]
    hall.face("anna")
    hall.later(60)
    assert len(hall.again) == 2 + 1  # the other door is silent still, and a minute has gone


def test_who_was_let_in_or_is_unknown_is_not_looked_at_again(make):
    hall = make()
    hall.face("anna")
    hall.face(None)
    for _ in range(3):
        hall.later(60)
    assert hall.again == []


def test_a_key_that_is_pressed_after_the_face_makes_a_punch_of_who_stands_there(make):
    hall = make()
    hall.face("anna")
    hall.later(3)
    hall.entrance.showed(Credential(hall.at, key="out"))
    assert hall.again == ["everybody"]
    hall.face("anna", repeat=True)
    hall.later(1)
    hall.face("ben")
    made = [(event.body["person"], event.body["type"], event.body["key"]) for event in hall.events("attendance")]
    assert made == [("anna", "in", None), ("anna", "out", "out"), ("ben", "in", None)]


def test_wrong_pins_outlive_a_restart(make):
    hall = make(of=door("face+pin"))
    hall.face("anna")
    for _ in range(3):
        hall.pin("0000")
    assert [event.body["reason"] for event in hall.events()] == ["wrong_pin"] * 3
    assert load_standings(hall.db)["anna"].failures == 3


def test_a_card_has_its_holders_face_compared_alone(make):
    hall = make(of=door("card+face"))
    hall.card("card-anna")
    assert hall.claims == ["anna"]
    hall.later(1)
    hall.face("anna")
    assert (hall.told[-1], hall.claims) == (("granted", "credential", "anna"), ["anna", None])


def test_duress_opens_and_tells_nobody_at_the_door(make):
    hall = make(of=door("face+pin"))
    hall.face("anna")
    hall.pin("4799")
    assert hall.told[-1] == ("granted", "credential", "anna")
    assert len(hall.door.pulses) == 1
    (event,) = hall.events()
    assert "duress" not in str(event.body)
    (alarm,) = hall.events("alarm")
    assert (alarm.body["alarm"], alarm.body["person"], alarm.body["access"]) == ("duress", "anna", event.id)


def test_somebody_on_the_blocklist_is_refused_and_told_of(make):
    hall = make(Holder("carl", STAFF, State.BLOCKED))
    hall.face("carl")
    assert (hall.told, hall.alarms()) == ([("denied", "blocked", "carl")], [Alarm.BLOCKED_PERSON])


# What is written with it


def test_a_punch_is_made_with_the_event_and_names_it(make):
    hall = make()
    hall.face("anna")
    hall.later(8 * 3600)
    hall.face("anna")
    entries, made = hall.events(), hall.events("attendance")
    assert [(event.body["type"], event.body["access"]) for event in made] == [
        ("in", entries[0].id),
        ("out", entries[1].id),
    ]
    kept = punches.made(hall.db, MONDAY, hall.at.replace(hour=23))
    assert [(punch.id, punch.type) for punch in kept] == [(event.id, event.body["type"]) for event in made]


def test_two_people_who_come_together_both_punch(make):
    hall = make(of=door(two_person="always"))
    hall.face("anna")
    assert hall.told == [("pending", "second_person_needed", "anna")]
    hall.face("ben")
    (event,) = hall.events()
    assert (event.body["person"], event.body["companion"]) == ("ben", "anna")
    assert sorted(event.body["person"] for event in hall.events("attendance")) == ["anna", "ben"]


def test_the_same_visit_again_opens_and_punches_nothing(make):
    hall = make()
    hall.face("anna")
    hall.face("anna", repeat=True)
    assert len(hall.door.pulses) == 2
    assert len(hall.events("attendance")) == 1


def test_events_carry_the_badge_number_and_names_only_if_wanted(make):
    hall = make(Holder("anna", STAFF, badge="1042"))
    hall.face("anna")
    assert [event.body["badge"] for event in (*hall.events(), *hall.events("attendance"))] == ["1042", "1042"]
    assert "name" not in hall.events()[0].body


# Zones


def test_who_goes_through_is_told_to_other_doors_and_stays_in_mind(make):
    hall = make(of=door(enters="building"), zones=(BUILDING,))
    hall.face("anna")
    assert hall.passed == [Passage("anna", "building", BEGAN)]
    hall.later(60)
    hall.face("anna")
    assert hall.told[-1] == ("denied", "passback", "anna")
    hall.drain()
    assert load_standings(hall.db)["anna"].zone == "building"
    assert hall.entrance.whereabouts(10) == (Passage("anna", "building", BEGAN),)


def test_what_is_heard_of_other_doors_counts_and_is_kept(make):
    hall = make(of=door(enters="building"), zones=(BUILDING,))
    hall.entrance.heard(Passage("anna", "building", BEGAN))
    hall.later(1)
    hall.face("anna")
    assert hall.told == [("denied", "passback", "anna")]
    hall.drain()
    assert load_standings(hall.db)["anna"].zone == "building"
    assert hall.passed == []


def test_neighbours_are_the_doors_of_the_zones_and_of_the_interlock():
    doors = [
        DoorRules("front", enters="building", interlock=("inner",)),
        DoorRules("side", leaves="building"),
        DoorRules("vault", enters="vault", leaves="building"),
        DoorRules("inner"),
        DoorRules("shed"),
    ]
    in_force = rules(*doors)
    assert in_force.neighbours("front") == {"side", "vault", "inner"}
    assert in_force.neighbours("shed") == set()
    assert in_force.neighbours("nowhere") == set()


def test_an_interlock_whose_other_door_is_silent_stays_shut(make):
    hall = make(of=door(interlock=("inner",)), more=(DoorRules("inner"),))
    hall.face("anna")
    assert hall.told == [("denied", "interlock", "anna")]


def test_what_is_heard_while_nothing_can_be_written_takes_no_room_from_events(make):
    hall = make(of=door(enters="building"), zones=(BUILDING,))
    hall.recorder.healthy = False
    for n in range(50):
        hall.entrance.heard(Passage("anna", "building" if n % 2 else "", BEGAN + timedelta(seconds=n)))
        hall.later(1)
    assert hall.recorder._jobs.qsize() == 0
    hall.recorder.healthy = True
    hall.later(1)
    hall.drain()
    assert load_standings(hall.db)["anna"].zone == "building"


# People change


def nobody(_):
    """Takes nothing over."""


def test_people_who_change_do_not_undo_what_was_decided_meanwhile(make, tmp_path):
    hall = make(of=door("card", enters="building"), zones=(BUILDING,))
    add_person(hall.db, "carl", name=None, at=BEGAN)
    with open_db(tmp_path / "latchkey.db") as reads:

        def write(change):  # anna goes in before it is read, ben while it is, and the recorder is as slow as can be
            hall.drain()
            stood = change(hall.db)
            hall.card("card-ben")
            return stood

        knowledge = Knowledge(SimpleNamespace(config=hall.config, key=None), reads, write)
        update(hall.db, "carl", {"notes": "on holiday"})
        hall.card("card-anna")
        register = hall.entrance.keeper.register

        def take_over(change):
            hall.entrance.change(change)
            hall.entrance.keeper.register = register  # those of the hall are not in the database

        knowledge.soon()
        knowledge.look(Takers(faces=nobody, keeper=take_over, labels=nobody, mode=nobody))
    hall.later(1)
    hall.card("card-anna")
    hall.card("card-ben")
    assert hall.told[2:] == [("denied", "passback", "anna"), ("denied", "passback", "ben")]


def test_people_who_change_while_nothing_can_be_read_are_taken_over_later(make, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(knowledge_module, "RETRY_SECONDS", 0.0)
    hall = make()
    add_person(hall.db, "carl", name=None, at=BEGAN)
    with open_db(tmp_path / "latchkey.db") as reads:
        knowledge = Knowledge(SimpleNamespace(config=hall.config, key=None), reads, lambda change: change(hall.db))
        update(hall.db, "carl", {"notes": "on holiday"})
        taken = []
        takers = Takers(faces=nobody, keeper=nobody, labels=taken.append, mode=nobody)
        for table, there in (("people", "away"), ("away", "people")):
            hall.db.sql.execute(f"ALTER TABLE {table} RENAME TO {there}")
            knowledge.soon()
            knowledge.look(takers)
            assert len(taken) == (there == "people")
    assert "what has changed cannot be read" in caplog.text


# Modes


def test_the_mode_unlocks_and_locks(make):
    hall = make()
    hall.entrance.change(lambda keeper: keeper.set_mode(Mode.FREE_ACCESS))
    assert hall.door.unlocked
    assert hall.doorman.report().held
    hall.entrance.change(lambda keeper: keeper.set_mode(Mode.LOCKED_DOWN))
    assert not hall.door.unlocked
    hall.face("anna")
    assert hall.told == [("denied", "locked_down", "anna")]


def test_a_mode_that_is_asked_for_at_the_door_is_kept_and_audited(make):
    guard = Holder("anna", frozenset({"staff", "guards"}), pin="4711")
    hall = make(guard, of=door("pin", modes_by=frozenset({"guards"})))
    hall.pin("4711", badge="1-anna", mode="locked_down")
    assert hall.entrance.mode is Mode.LOCKED_DOWN
    hall.drain()
    kept = load_mode(hall.db)
    assert (kept.mode, kept.by) == (Mode.LOCKED_DOWN, "anna")
    assert [row.action for row in since(hall.db)] == ["mode_set"]


def test_the_first_person_of_the_day_unlocks_until_its_end_also_over_a_restart(make):
    hall = make(of=door(mode=Mode.FIRST_PERSON, unlocked="office"))
    hall.later(1)
    assert not hall.door.unlocked
    hall.face("anna")
    assert hall.doorman.report().held
    hall.drain()
    assert load_mode(hall.db).opened_on == MONDAY.replace(hour=7)
    hall.later(11 * 3600)
    assert not hall.doorman.report().held


def test_by_schedule_nothing_is_unlocked_while_the_clock_is_not_set(make, tmp_path):
    (tmp_path / "timesync").mkdir()
    told = {"clock.synchronised_file": tmp_path / "timesync" / "synchronized"}
    hall = make(of=door(mode=Mode.SCHEDULED, unlocked="office"), **told)
    hall.later(1)
    if hall.entrance.clock() == "unsynchronised":  # not where a hardware clock has set the time
        assert not hall.door.unlocked
    (tmp_path / "timesync" / "synchronized").touch()
    hall.later(1)
    assert hall.door.unlocked


# Many at once


def test_threads_come_one_after_the_other(make):
    hall = make(of=door("face, pin"))
    shown = (("4711", "1-anna"), ("2580", "1-ben"))
    coming = [threading.Thread(target=hall.pin, args=pin) for pin in shown * 10]
    coming += [threading.Thread(target=hall.face, args=(name,)) for name in ("anna", "ben") * 10]
    for thread in coming:
        thread.start()
    for thread in coming:
        thread.join(10)
    assert [outcome for outcome, _, _ in hall.told] == ["granted"] * 40
    assert len(hall.events()) == 40


def test_a_pin_is_checked_by_its_real_hash(make):
    from agent.pins import hash_pin

    hall = make(Holder("anna", STAFF, pin=hash_pin("4711"), duress=hash_pin("9031")), of=door("pin"))
    hall.pin("4711", badge="1-anna")
    assert hall.told == [("granted", "credential", "anna")]
