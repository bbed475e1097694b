"""A person from one device by the roster to another: face, PIN and cards sealed, and only where they fit."""

import base64
import json
import re

import pytest

from agent.errors import CommandError
from agent.members import consent, credentials
from agent.pins import check_pin
from agent.roster.bodies import PersonBody
from agent.roster.document import Document
from agent.roster.members import told
from agent.store import roster, templates
from agent.store.credentials import cards_of
from agent.store.db import open_db
from agent.store.people import get_person
from agent.store.sealing import card_key
from agent.store.templates import load_gallery
from tests.fakes.keys import KEY, OTHER
from tests.fakes.registers import LATER, MODEL, NOW, add, audited, request, template
from tests.fakes.rosters import Book, Device, document


@pytest.fixture
def book(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        yield Book(db)


@pytest.fixture
def source(tmp_path):
    """A device where Anna is enrolled, with all that she can have."""
    with Device(tmp_path, "source") as device:
        db = device.db
        add(db, "anna", faces=(1, 2), name="Anna")
        pins = credentials.new_pins(db, "anna", "4711", "2806")
        credentials.set_pin(db, "anna", pins, request())
        credentials.add_card(db, "anna", "04:A2:2F:91:5B:80", card_key(db), request())
        consent.give(db, "anna", "notice 3", request(), by="erik")
        yield device


def publish(book, device, person="anna"):
    answer = book.ask(what="get", object=f"person/{person}")
    base = Document.parse(answer.rows[0]["document"]) if answer.ok else None
    body = told(device.db, person, base.body if base else None)
    return book.editor().replace(f"person/{person}", base, body, "hq/@all")


def problem(device):
    return [(held.code, held.problem) for held in roster.problems(device.db, 10)]


def test_everything_arrives_at_a_device_like_it(book, source, tmp_path):
    publish(book, source)
    with Device(tmp_path, "front", consent=True) as front:
        front.read(book)
        one = get_person(front.db, "anna")
        assert (one.name, one.templates, one.pin, one.duress, one.cards, one.consent.text) == (
            "Anna",
            2,
            True,
            True,
            ("B80",),
            "notice 3",
        )
        there, here = (load_gallery(device.db, MODEL) for device in (source, front))
        assert (there.of("anna") == here.of("anna")).all()
        assert check_pin("4711", roster.pins_of(front.db, "anna")[0])
        assert not problem(front)
        before = audited(front.db)
        front.taking.start_over(front.db)
        front.read(book)
        assert audited(front.db) == before  # nothing is done twice


def test_what_the_service_and_the_broker_see(book, source):
    kept = publish(book, source)
    body = PersonBody.model_validate_json(json.dumps(kept.body))
    on_disk = [vector for (vector,) in source.db.rows("SELECT vector FROM templates ORDER BY id")]
    assert [base64.b64decode(each.vector) for each in body.templates] == on_disk  # sealed
    told_ = json.dumps(kept.as_json())
    assert "4711" not in told_
    assert "scrypt" not in told_
    assert "04A22F915B80" not in told_


def test_published_again_it_is_the_same(book, source):
    first = publish(book, source)
    assert publish(book, source).body == first.body
    credentials.clear_pin(source.db, "anna", request())
    credentials.remove_card(source.db, "anna", request(), key=card_key(source.db))
    again = publish(book, source)
    assert (again.body["pin"], again.body["cards"]) == (None, [])


def test_what_is_taken_away_there_goes_here(book, source, tmp_path):
    publish(book, source)
    with Device(tmp_path, "front") as front:
        front.read(book)
        credentials.clear_pin(source.db, "anna", request())
        templates.forget_templates(source.db, "anna")
        publish(book, source)
        front.read(book)
        one = get_person(front.db, "anna")
        assert (one.pin, one.templates, one.cards) == (False, 0, ("B80",))


def test_what_the_roster_does_not_name_is_the_device_s_own(book, tmp_path):
    with Device(tmp_path, "front") as front:
        add(front.db, "anna", faces=(5,), name="A")
        credentials.add_card(front.db, "anna", "1234 5678", card_key(front.db), request())
        book.kept(document(body={"name": "Anna"}))
        front.read(book)
        one = get_person(front.db, "anna")
        assert (one.name, one.templates, len(one.cards)) == ("Anna", 1, 1)


def test_learnt_templates_stay_and_given_ones_are_replaced(book, source, tmp_path):
    with Device(tmp_path, "front") as front:
        add(front.db, "anna", faces=(7,))
        templates.add_templates(front.db, "anna", [template(8)], NOW, event="e1")
        publish(book, source)
        front.read(book)
        assert get_person(front.db, "anna").templates == 3  # two that came, one that was learnt


@pytest.mark.parametrize(
    ("device", "told_"),
    [
        ({"encoder": "m2"}, ("other_model", "this device compares m2")),
        (
            {"key": OTHER},
            ("other_site_key", "was changed: set it here; .*another secret.*; .*this device compares m1 under the key"),
        ),
    ],
)
def test_a_device_that_is_not_like_it_takes_the_rest(book, source, tmp_path, device, told_):
    if "encoder" in device:
        credentials.clear_pin(source.db, "anna", request())
    publish(book, source)
    with Device(tmp_path, "front", **device) as front:
        front.read(book)
        ((code, message),) = problem(front)
        assert code == told_[0]
        assert re.search(told_[1], message)
        one = get_person(front.db, "anna")
        assert (one.name, one.templates, one.consent.text) == ("Anna", 0, "notice 3")


def test_no_face_without_consent(book, source, tmp_path):
    consent.withdraw(source.db, "anna", request())
    add_again = [template(1)]
    templates.add_templates(source.db, "anna", add_again, NOW)
    kept = publish(book, source)
    body = {**kept.body}
    del body["consent"]
    book.editor().replace("person/anna", kept, body, "hq/@all")
    with Device(tmp_path, "front", consent=True) as front:
        front.read(book)
        assert problem(front)[0][0] == "no_consent"
        assert get_person(front.db, "anna").templates == 0
        consent.give(front.db, "anna", "notice 3", request())
        front.try_again()
        assert (problem(front), get_person(front.db, "anna").templates) == ([], 1)


def test_consent_that_was_taken_back_at_the_device_is_not_given_again(book, source, tmp_path):
    kept = publish(book, source)
    with Device(tmp_path, "front") as front:
        front.read(book)
        consent.withdraw(front.db, "anna", request(LATER))
        book.editor().replace("person/anna", kept, {**kept.body, "notes": "new"}, "hq/@all")
        front.read(book)
        assert problem(front)[0][0] == "no_consent"
        one = get_person(front.db, "anna")
        assert (one.notes, one.templates, one.consent.given) == ("new", 0, False)


def test_consent_that_is_withdrawn_takes_the_templates(book, source, tmp_path):
    kept = publish(book, source)
    with Device(tmp_path, "front") as front:
        front.read(book)
        said = {"given": False, "text": "notice 3", "at": NOW.isoformat(), "by": "erik"}
        book.editor().replace("person/anna", kept, {**kept.body, "consent": said, "templates": []}, "hq/@all")
        front.read(book)
        one = get_person(front.db, "anna")
        assert (one.templates, one.consent.given) == (0, False)


def test_a_template_of_another_person_does_not_open(book, source, tmp_path):
    kept = publish(book, source)
    book.kept(document("person/ben", body={"name": "Ben", "templates": kept.body["templates"]}))
    with Device(tmp_path, "front") as front:
        front.read(book)
        assert "does not open" in problem(front)[0][1]
        assert (get_person(front.db, "ben").templates, get_person(front.db, "anna").templates) == (0, 2)


def test_a_card_of_somebody_else(book, source, tmp_path):
    publish(book, source)
    with Device(tmp_path, "front") as front:
        add(front.db, "ben")
        credentials.add_card(front.db, "ben", "04 a2 2f 91 5b 80", card_key(front.db), request())
        front.read(book)
        assert problem(front)[0][0] == "card_taken"
        assert [card.person for card in cards_of(front.db, "ben")] == ["ben"]


def test_nobody_is_told_who_is_not_there(source):
    with pytest.raises(CommandError) as refused:
        told(source.db, "nobody")
    assert refused.value.code == "unknown_person"
    assert KEY.id == source.db.seal.key.id
