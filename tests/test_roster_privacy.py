"""What a device holds of the roster, when somebody is forgotten and when the case is opened."""

import json

import pytest

from agent.errors import CommandError
from agent.members.credentials import new_pins, set_pin
from agent.privacy.export import held
from agent.privacy.forgetting import forget
from agent.privacy.wipe import wipe
from agent.register import Request
from agent.roster.members import told
from agent.store import roster
from agent.store.db import open_db
from tests.fakes.keys import OTHER
from tests.fakes.registers import add, request
from tests.fakes.rosters import NOW, Book, Device, document

TAMPER = Request("tamper", NOW, "boot")


@pytest.fixture
def book(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        yield Book(db)


@pytest.fixture
def anna(tmp_path):
    """How another device tells of her: a PIN and a face, sealed."""
    with Device(tmp_path, "back") as back:
        add(back.db, "anna", faces=[1], name="Änna")
        set_pin(back.db, "anna", new_pins(back.db, "anna", "4712", None), request())
        return told(back.db, "anna")


def bytes_of(device):
    path = device.config.database_path
    return b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))


def problems(device):
    return [(held.object, held.code) for held in roster.problems(device.db, 100)]


class TestForget:
    def test_who_only_waits_to_be_put_in_force_is_forgotten(self, book, anna, tmp_path):
        with Device(tmp_path) as front:
            add(front.db, "ben")
            front.db.sql.execute("UPDATE people SET badge = '7' WHERE id = 'ben'")
            book.kept(document(body=anna | {"badge": "7"}))
            front.read(book)
            assert problems(front) == [("person/anna", "badge_taken")]
            told = held(front.db, front.config, "anna", NOW)["held"]["roster"]
            assert told == [
                {"person": "anna", "version": 1, "problem": "badge_taken", "badge": "7", "pin": "(secret)"}
                | {name: anna[name] for name in anna if name not in {"badge", "pin", "templates"}}
                | {"templates": "(secret)"}
            ]
            receipt = forget(front.db, front.config, "anna", request())
            assert receipt.what["pseudonymised"]["roster_objects"] == 1
            front.try_again()
            left = bytes_of(front)
            for secret in (anna["name"], anna["pin"]["sealed"], anna["templates"][0]["vector"]):
                assert json.dumps(secret)[1:-1].encode() not in left
                assert secret.encode() not in left
            with pytest.raises(CommandError, match="nothing is held"):
                forget(front.db, front.config, "anna", request())

    def test_what_another_waits_for_names_nobody_who_was_forgotten(self, book, tmp_path):
        with Device(tmp_path) as front:
            add(front.db, "ben")
            front.db.sql.execute("UPDATE people SET badge = '7' WHERE id = 'ben'")
            book.kept(document(body={"name": "Anna", "badge": "7"}))
            front.read(book)
            assert "ben" in roster.held(front.db, "person/anna").problem
            forget(front.db, front.config, "ben", request())
            assert "ben" not in (roster.held(front.db, "person/anna").problem or "")
            front.try_again()
            assert problems(front) == []


class TestWipe:
    def test_what_waits_is_wiped(self, book, anna, tmp_path):
        with Device(tmp_path, encoder="another") as front:
            book.kept(document(body=anna))
            front.read(book)
            assert problems(front) == [("person/anna", "other_model")]
            wipe(front.db, front.config, [], TAMPER, cause="tamper")
            left = bytes_of(front)
            assert anna["templates"][0]["vector"].encode() not in left
            assert anna["pin"]["sealed"].encode() not in left

    def test_a_device_that_was_wiped_does_not_claim_to_hold_its_people(self, book, anna, tmp_path):
        book.kept(document(body=anna), document("person/ben"), document("person/cora", target="hq/back"))
        with Device(tmp_path) as front:
            front.read(book)
            assert problems(front) == []
            wipe(front.db, front.config, [], TAMPER, cause="tamper")
            assert problems(front) == [("person/anna", "other_site_key"), ("person/ben", "other_site_key")]
        with Device(tmp_path, key=OTHER) as front:  # as it begins anew
            assert front.read(book) == 3
            assert problems(front) == [("person/anna", "other_site_key")]
