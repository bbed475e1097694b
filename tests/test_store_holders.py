"""The register as it is read, and that every change of it is noticed."""

from datetime import UTC, datetime

import pytest

from agent.access.factors import Factors
from agent.access.holder import Holder, Register, State
from agent.errors import StoreError
from agent.store import credentials, members
from agent.store.credentials import Card
from agent.store.db import open_db
from agent.store.holders import load_names, load_register, register_version
from agent.store.people import gallery_version, list_people, remove_person
from agent.store.times import to_text
from tests.fakes.registers import NOW, add

EVENING = datetime(2026, 11, 26, 17, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        add(db, "anna", name="Anna")
        yield db


def test_nobody(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        assert load_register(db) == Register()


def test_everybody_as_the_rules_see_them(db):
    add(db, "ben")
    members.set_groups(db, "anna", ["staff", "night"])
    values = {"badge": "0815", "state": "suspended", "valid_from": to_text(NOW), "valid_to": to_text(EVENING)}
    members.update(db, "anna", values | {"factors": "card+pin, face", "extended": True, "visitor": True})
    credentials.set_pin(db, "anna", "hash", "other", NOW)
    credentials.add_card(db, Card("d1", "anna", "78", NOW))
    credentials.add_card(db, Card("d2", "ben", "79", NOW))
    anna = Holder(
        "anna",
        frozenset({"staff", "night"}),
        State.SUSPENDED,
        NOW,
        EVENING,
        "0815",
        Factors.parse("card+pin, face"),
        extended=True,
        visitor=True,
        pin="hash",
        duress="other",
    )
    register = load_register(db)
    assert register == Register({"anna": anna, "ben": Holder("ben")}, {"0815": "anna"}, {"d1": "anna", "d2": "ben"})
    assert load_names(db) == {"anna": "Anna", "ben": "ben"}


def test_people_of_the_same_groups_share_them(db):
    add(db, "ben")
    for person in ("anna", "ben"):
        members.set_groups(db, person, ["b", "a"])
    people = load_register(db).people
    assert people["anna"].groups is people["ben"].groups


def test_factors_that_nobody_knows_are_told_with_what_to_do(db):
    members.update(db, "anna", {"factors": "iris"})
    with pytest.raises(StoreError, match=r"factors of a person: 'iris' is no way to be let in; .*: set them again"):
        load_register(db)


CHANGES = {
    "a badge": lambda db: members.update(db, "anna", {"badge": "1"}),
    "groups": lambda db: members.set_groups(db, "anna", ["a"]),
    "a PIN": lambda db: credentials.set_pin(db, "anna", "h", None, NOW),
    "another PIN": lambda db: [credentials.set_pin(db, "anna", pin, None, NOW) for pin in ("h", "i")],
    "no PIN": lambda db: [credentials.set_pin(db, "anna", "h", None, NOW), credentials.clear_pin(db, "anna")],
    "a card": lambda db: credentials.add_card(db, Card("d", "anna", "1", NOW)),
    "no card": lambda db: [credentials.add_card(db, Card("d", "anna", "1", NOW)), credentials.remove_cards(db, ["d"])],
    "somebody new": lambda db: add(db, "ben"),
    "somebody gone": lambda db: remove_person(db, "anna"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed_also_by_another_connection(db, change):
    with open_db(db.path) as other:
        before = register_version(other)
        change(db)
        assert register_version(other) > before


def test_what_has_nothing_to_do_with_faces_leaves_the_gallery(db):
    before = gallery_version(db)
    members.update(db, "anna", {"badge": "1", "notes": "n"})
    members.set_groups(db, "anna", ["a"])
    assert gallery_version(db) == before


def test_columns_that_are_not_there_are_refused(db):
    with pytest.raises(ValueError, match="people have no id, rank"):
        members.update(db, "anna", {"rank": 1, "id": "x"})


class TestList:
    @pytest.fixture
    def staff(self, db):
        add(db, "ben", name="Ben Ågren")
        add(db, "cy", name="CY%")
        members.set_groups(db, "anna", ["staff"])
        members.set_groups(db, "cy", ["staff", "night"])
        members.update(db, "ben", {"badge": "B-77", "state": "left"})
        return db

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ({}, ["anna", "ben", "cy"]),
            ({"after": "anna"}, ["ben", "cy"]),
            ({"after": "anna", "limit": 1}, ["ben"]),
            ({"limit": 0}, []),
            ({"group": "staff"}, ["anna", "cy"]),
            ({"group": "staf"}, []),
            ({"state": State.LEFT}, ["ben"]),
            ({"state": State.ACTIVE, "group": "night"}, ["cy"]),
            ({"search": "åGREN"}, ["ben"]),
            ({"search": "b-7"}, ["ben"]),
            ({"search": "AN"}, ["anna"]),
            ({"search": "%"}, ["cy"]),
        ],
    )
    def test_who_is_found(self, staff, options, found):
        assert [person.id for person in list_people(staff, **options)] == found

    def test_a_badge_leads_to_its_holder(self, staff):
        assert (members.holder_of_badge(staff, "B-77"), members.holder_of_badge(staff, "1")) == ("ben", None)
