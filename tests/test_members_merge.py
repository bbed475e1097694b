"""Merging, renaming and undoing, over a real database."""

from datetime import UTC, datetime

import pytest

from agent.access.holder import State
from agent.errors import CommandError
from agent.members import consent, credentials
from agent.members.known import enrolled, particulars
from agent.members.merge import merge, rename
from agent.members.particulars import set_person
from agent.members.undo import undo
from agent.pins import Pins
from agent.store import events, members, moves, people, rosters, templates
from agent.store.db import open_db
from agent.store.holders import load_register
from agent.store.people import gallery_version, list_people
from agent.store.punches import counts
from agent.store.times import to_text
from agent.timeclock import Said, correct
from tests.fakes.keys import KEY
from tests.fakes.registers import CARD_KEY, LATER, MODEL, NOW, add, audited, details, request, template

AT = to_text(NOW)
EVENING = datetime(2026, 11, 26, 17, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        yield db


def punch(db, person, id_, at=NOW):
    row = (id_, person, to_text(at), "in", "toggle", 0, "home", "door", "b", 1.0, "synchronised")
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO punches (id, person, at, type, by, repeat, site, device, boot_id, uptime, clock)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


def stand(db, person, zone, at=NOW):
    with db.transaction() as sql:
        sql.execute(
            "REPLACE INTO standings (person, failures, lockouts, zone, zone_at) VALUES (?, 0, 0, ?, ?)",
            (person, zone, to_text(at)),
        )


def shift(db, person, starts_at):
    with db.transaction() as sql:
        sql.execute("INSERT INTO rosters VALUES (?, ?, ?, 'f.ics')", (person, starts_at, to_text(EVENING)))


def owners(db, table):
    return sorted(row[0] for row in db.rows(f"SELECT person FROM {table}"))  # noqa: S608 - ours


def furnish(db, person, *, card, badge):
    """Somebody with something of everything."""
    add(db, person, faces=(len(person), len(person) + 100))
    set_person(db, person, {"badge": badge, "groups": [f"g-{person}", "all"], "notes": f"n-{person}"}, request())
    credentials.set_pin(db, person, Pins(f"hash-{person}"), request())
    credentials.add_card(db, person, card, CARD_KEY, request())
    consent.give(db, person, f"text-{person}", request())
    punch(db, person, f"e-{person}")
    stand(db, person, "lab")
    shift(db, person, AT)


EVERYTHING = ("templates", "memberships", "consents", "pins", "cards", "punches", "rosters", "standings")


class TestRename:
    def test_everything_goes_along(self, db):
        furnish(db, "anna", card="12345678", badge="1")
        before = particulars(db, "anna")
        assert rename(db, "anna", "a.lind", request(LATER)) == {"person": "a.lind", "was": "anna"}
        assert particulars(db, "a.lind") == before | {"id": "a.lind", "former_ids": ["anna"]}
        assert {table: set(owners(db, table)) for table in EVERYTHING} == {table: {"a.lind"} for table in EVERYTHING}
        assert load_register(db).people["a.lind"].pin == "hash-anna"
        assert templates.load_gallery(db, MODEL).people == ("a.lind",)
        assert audited(db)[-1] == ("renamed", "a.lind")
        assert details(db)["was"] == "anna"

    def test_the_gallery_and_the_register_are_others_then(self, db):
        add(db, "anna", faces=(1,))
        version = gallery_version(db)
        rename(db, "anna", "ann", request())
        assert gallery_version(db) > version

    def test_again_is_done_already(self, db):
        add(db, "anna")
        for _ in range(2):
            assert rename(db, "anna", "ann", request()) == {"person": "ann", "was": "anna"}
        assert audited(db) == [("renamed", "ann")]

    def test_back_and_forth(self, db):
        add(db, "anna", faces=(1,))
        rename(db, "anna", "ann", request())
        rename(db, "ann", "anna", request())
        assert members.ids_of(db, "anna") == ("anna", "ann")
        assert enrolled(db, "anna").templates == 1

    def test_all_earlier_ids_lead_to_the_last(self, db):
        add(db, "a")
        for to in "bcd":
            rename(db, chr(ord(to) - 1), to, request())
        assert [members.current_id(db, was) for was in "abcd"] == ["d", "d", "d", None]
        assert members.ids_of(db, "d") == ("d", "a", "b", "c")

    @pytest.mark.parametrize(
        ("person", "to", "code"),
        [
            ("zoe", "z", "unknown_person"),
            ("anna", "ben", "id_taken"),
            ("anna", "old", "id_taken"),
            ("anna", "anna", "id_taken"),
            ("anna", "../a", "bad_request"),
        ],
    )
    def test_what_will_not_do(self, db, person, to, code):
        for each in ("anna", "ben", "old"):
            add(db, each)
        rename(db, "old", "new", request())
        with pytest.raises(CommandError) as refused:
            rename(db, person, to, request())
        assert refused.value.code == code
        assert [each.id for each in list_people(db)] == ["anna", "ben", "new"]


class TestMerge:
    def test_one_is_made_of_two(self, db):
        furnish(db, "anna", card="12345678", badge="1")
        furnish(db, "anna2", card="87654321", badge="2")
        assert merge(db, "anna2", "anna", request(LATER)) == {"person": "anna", "was": "anna2", "templates": 4}
        one = particulars(db, "anna")
        assert [each.id for each in list_people(db)] == ["anna"]
        assert (one["badge"], one["groups"], one["notes"]) == ("1", ["all", "g-anna", "g-anna2"], "n-anna\nn-anna2")
        assert ({card["hint"] for card in one["cards"]}, one["former_ids"]) == ({"78", "21"}, ["anna2"])
        assert [each["text"] for each in one["consents"]] == ["text-anna", "text-anna2"]
        assert load_register(db).people["anna"].pin == "hash-anna"
        assert {table: len(owners(db, table)) for table in ("punches", "rosters", "standings")} == {
            "punches": 2,
            "rosters": 1,
            "standings": 1,
        }
        assert all(set(owners(db, table)) == {"anna"} for table in EVERYTHING)
        assert audited(db)[-1] == ("merged", "anna")

    def test_what_one_lacks_comes_from_the_other(self, db):
        add(db, "anna")
        furnish(db, "anna2", card="87654321", badge="2")
        set_person(db, "anna2", {"extended": True}, request())
        merge(db, "anna2", "anna", request())
        one = enrolled(db, "anna")
        assert (one.badge, one.extended, one.notes, one.pin) == ("2", True, "n-anna2", True)

    def test_the_newest_templates_stay_up_to_the_limit(self, db):
        add(db, "anna", faces=range(8))
        add(db, "anna2", faces=range(100, 107))
        assert merge(db, "anna2", "anna", request())["templates"] == templates.MAX_TEMPLATES
        own = templates.load_gallery(db, MODEL).of("anna")
        kept = [*range(5, 8), *range(100, 107)]
        assert own.tolist() == [template(seed)[0].vector.tolist() for seed in kept]

    def test_the_blocklist_is_not_escaped(self, db):
        add(db, "anna")
        add(db, "anna2")
        set_person(db, "anna2", {"state": State.BLOCKED}, request())
        merge(db, "anna2", "anna", request())
        assert enrolled(db, "anna").state is State.BLOCKED

    def test_a_consent_that_was_taken_back_last_leaves_no_template(self, db):
        add(db, "anna", faces=(1,))
        add(db, "anna2", faces=(2,))
        consent.give(db, "anna", "t", request())
        consent.withdraw(db, "anna2", request())
        assert merge(db, "anna2", "anna", request())["templates"] == 0
        assert enrolled(db, "anna").templates == 0

    def test_again_is_done_already(self, db):
        add(db, "anna", faces=(1,))
        add(db, "anna2", faces=(2,))
        done = merge(db, "anna2", "anna", request())
        assert merge(db, "anna2", "anna", request()) == done
        assert audited(db) == [("merged", "anna")]

    @pytest.mark.parametrize(
        ("person", "into", "code"),
        [("anna", "anna", "bad_request"), ("zoe", "anna", "unknown_person"), ("anna", "zoe", "unknown_person")],
    )
    def test_what_will_not_do(self, db, person, into, code):
        add(db, "anna", faces=(1,))
        with pytest.raises(CommandError) as refused:
            merge(db, person, into, request())
        assert refused.value.code == code
        assert enrolled(db, "anna").templates == 1

    def test_too_many_groups_change_nothing(self, db):
        for person in ("anna", "anna2"):
            add(db, person)
            set_person(db, person, {"groups": [f"{person}-{n}" for n in range(40)], "badge": person}, request())
        with pytest.raises(CommandError, match="80 groups"):
            merge(db, "anna2", "anna", request())
        assert enrolled(db, "anna2").badge == "anna2"


def test_one_of_two_is_known_since_the_earlier_of_both(db):
    add(db, "anna")
    people.add_person(db, "anna2", name=None, at=LATER)
    merge(db, "anna", "anna2", request(LATER))
    assert rosters.workers(db)["anna2"].employee.begins == NOW


class TestUndo:
    def visit(self, db, person="anna", *, kind="access", id_=None):
        body = {"outcome": "granted", "reason": "match", "person": person}
        return events.append(db, kind, NOW, "b", body, id=id_)

    def learn(self, db, person, event):
        templates.add_templates(db, person, [template(9)], NOW)
        with db.transaction() as sql:
            sql.execute("UPDATE templates SET event = ? WHERE id = (SELECT max(id) FROM templates)", (event.id,))

    def test_what_followed_from_the_match_is_taken_back(self, db):
        add(db, "anna", faces=(1, 2))
        event = self.visit(db)
        self.learn(db, "anna", event)
        punch(db, "anna", "p1")
        stand(db, "anna", "lab")
        done = undo(db, event.id, "anna", request(LATER), by="reception")
        assert done == {"person": "anna", "event": event.id, "punches": 1, "templates": 1, "moved_back": True}
        assert db.rows("SELECT punch, person, void, at, type, by, made_at FROM corrections") == [
            ("p1", "anna", 1, None, None, "reception", to_text(LATER))
        ]
        assert f"wrong match, event {event.id}" == db.rows("SELECT why FROM corrections")[0][0]
        assert db.rows("SELECT zone, zone_at FROM standings") == [(None, None)]
        assert enrolled(db, "anna").templates == 2
        assert audited(db) == [("match_undone", "anna")]
        assert details(db)["event"] == event.id
        assert events.recent(db, 10)[0] == event  # as it was

    def test_a_punch_of_the_event_itself_is_found_too(self, db):
        add(db, "anna")
        event = self.visit(db, kind="attendance")
        punch(db, "anna", event.id, at=LATER)
        punch(db, "anna", "other", at=LATER)
        assert undo(db, str(event.seq), "anna", request())["punches"] == 1
        assert db.rows("SELECT punch FROM corrections") == [(event.id,)]

    def test_what_came_after_stays(self, db):
        add(db, "anna")
        add(db, "ben")
        event = self.visit(db)
        punch(db, "ben", "p1")
        stand(db, "anna", "lab", LATER)
        done = undo(db, event.id, "anna", request())
        assert (done["punches"], done["templates"], done["moved_back"]) == (0, 0, False)
        assert db.rows("SELECT zone FROM standings") == [("lab",)]

    def test_again_changes_nothing(self, db):
        add(db, "anna")
        event = self.visit(db)
        punch(db, "anna", "p1")
        undo(db, event.id, "anna", request())
        assert undo(db, str(event.seq), "anna", request())["punches"] == 0
        assert len(db.rows("SELECT 1 FROM corrections")) == 1
        assert audited(db) == [("match_undone", "anna")]

    def test_a_punch_that_was_void_for_a_while(self, db):
        add(db, "anna")
        event = self.visit(db)
        punch(db, "anna", "p1")
        voided = correct(db, request(), "p1", Said("not her", "boss", void=True))
        correct(db, request(), voided.id, Said("it was", "boss", void=True))
        assert undo(db, event.id, "anna", request())["punches"] == 1
        assert not counts(db, "p1")

    def test_under_a_new_id(self, db):
        add(db, "anna")
        event = self.visit(db)
        punch(db, "anna", "p1")
        rename(db, "anna", "ann", request())
        assert undo(db, event.id, "ann", request())["punches"] == 1

    @pytest.mark.parametrize(
        ("which", "person", "problem"),
        [
            ("99", "anna", "no decision or punch has the id or number '99'"),
            ("9" * 40, "anna", "no decision or punch has the id or number"),
            ("nonsense", "anna", "no decision or punch has the id or number 'nonsense'"),
            ("2", "anna", "no decision or punch has the id or number '2'"),
            ("1", "ben", "event 1 is about anna, not ben"),
            ("3", "ben", "event 3 is about nobody, not ben"),
            ("1", "zoe", "nobody is enrolled as 'zoe'"),
        ],
    )
    def test_what_will_not_do(self, db, which, person, problem):
        add(db, "anna")
        add(db, "ben")
        self.visit(db)
        self.visit(db, kind="alarm")
        self.visit(db, None)
        with pytest.raises(CommandError, match=problem) as refused:
            undo(db, which, person, request())
        assert refused.value.code in {"unknown_event", "unknown_person"}
        assert audited(db) == []


def test_no_table_is_forgotten(db):
    """Whatever is kept by person goes along under a new id, but for receipts: they say what was."""
    tables = [name for (name,) in db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    of_people = {table for table in tables if "person" in {row[1] for row in db.rows(f"PRAGMA table_info({table})")}}
    assert of_people == {*moves._TABLES, "templates", "signatures", "receipts"}
