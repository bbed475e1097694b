"""How a person signs, from one device by the roster to another: sealed, agreed to, and only where it is compared."""

import base64
import json
import re

import numpy as np
import pytest

from agent.members import consent
from agent.privacy.forgetting import forget
from agent.roster.members import told
from agent.signature.judge import REFERENCES
from agent.store import roster
from agent.store.db import open_db
from agent.store.people import get_person
from agent.store.signatures import load_signatures, put_signatures
from agent.types import Embedding
from tests.fakes.keys import KEY, OTHER
from tests.fakes.registers import LATER, NOW, add, audited, request
from tests.fakes.rosters import Book, Device, document

ENCODER = "latchkey-signature-online-1-ff05e4fc"
MODEL = KEY.model(ENCODER)


def signed(*seeds, model=MODEL, dimension=64):
    vectors = [np.random.default_rng(seed).normal(size=dimension) for seed in seeds]
    return [Embedding((each / np.linalg.norm(each)).astype(np.float32), model) for each in vectors]


@pytest.fixture
def book(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        yield Book(db)


@pytest.fixture
def source(tmp_path):
    with Device(tmp_path, "source") as device:
        add(device.db, "anna", name="Anna")
        consent.give(device.db, "anna", "notice 3", request())
        put_signatures(device.db, "anna", signed(1, 2, 3), NOW)
        yield device


@pytest.fixture
def front(tmp_path):
    with Device(tmp_path, "front", consent=True) as device:
        yield device


def publish(book, device, **changes):
    """Puts Anna into the roster as a device knows her; None takes a field out."""
    answer = book.ask(what="get", object="person/anna")
    version = answer.rows[0]["document"]["version"] + 1 if answer.ok else 1
    before = answer.rows[0]["document"]["body"] if answer.ok else None
    body = told(device.db, "anna", before) | changes
    kept = {name: value for name, value in body.items() if value is not None}
    return book.kept(document(version=version, body=kept))


def vectors(device, model=MODEL):
    found = load_signatures(device.db, model).get("anna")
    return None if found is None else found.vectors


def problem(device):
    return [(held.code, held.problem) for held in roster.problems(device.db, 10)]


def changed(body, **changes):
    """The signatures of a body, the first one changed."""
    first, *rest = body["signatures"]
    return [first | changes, *rest]


def test_they_arrive_as_they_were_written_and_only_sealed(book, source, front):
    put = publish(book, source)
    front.read(book)
    assert (vectors(front) == vectors(source)).all()
    on_disk = [vector for (vector,) in source.db.rows("SELECT vector FROM signatures ORDER BY id")]
    assert [base64.b64decode(each["vector"]) for each in put.body["signatures"]] == on_disk
    assert problem(front) == []
    assert audited(front.db)[-1] == ("signature_enrolled", "anna")
    assert told(front.db, "anna")["signatures"] == put.body["signatures"]  # whichever device publishes her


def test_nothing_is_done_twice(book, source, front):
    publish(book, source)
    front.read(book)
    before = audited(front.db), front.db.rows("SELECT id FROM signatures")
    front.taking.start_over(front.db)
    front.read(book)
    assert (audited(front.db), front.db.rows("SELECT id FROM signatures")) == before


def test_new_ones_take_the_place_and_what_is_taken_away_there_goes_here(book, source, front):
    publish(book, source)
    front.read(book)
    put_signatures(source.db, "anna", signed(7), LATER)
    publish(book, source)
    front.read(book)
    assert (vectors(front) == vectors(source)).all()
    source.db.rows("DELETE FROM signatures")
    assert publish(book, source).body["signatures"] == []
    front.read(book)
    assert vectors(front) is None
    assert audited(front.db)[-1] == ("signature_removed", "anna")


def test_what_the_roster_does_not_name_is_the_device_s_own(book, front):
    add(front.db, "anna")
    put_signatures(front.db, "anna", signed(5), NOW)
    book.kept(document(body={"name": "Anna"}))
    front.read(book)
    assert len(vectors(front)) == 1


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"signs": False}, ("no_encoder", "no encoder for signatures")),
        ({"key": OTHER}, ("other_site_key", f"sealed with the site's key {KEY.id}.*have anna sign here")),
    ],
    ids=["without an encoder", "of another key"],
)
def test_a_device_that_cannot_compare_them_takes_the_rest(book, source, tmp_path, options, wrong):
    publish(book, source)
    with Device(tmp_path, "other", **options) as other:
        other.read(book)
        ((found, message),) = problem(other)
        assert found == wrong[0]
        assert re.search(wrong[1], message)
        one = get_person(other.db, "anna")
        assert (one.name, one.consent.text) == ("Anna", "notice 3")
        assert other.db.rows("SELECT * FROM signatures") == []


BROKEN = {
    "of another encoder": ({"model": "s9"}, "other_model"),
    "of another key": ({"key": OTHER.id}, "other_site_key"),
    "no base64": ({"vector": "A"}, "damaged"),
    "nothing": ({"vector": ""}, "damaged"),
    "changed": ({"vector": base64.b64encode(bytes(300)).decode()}, "damaged"),
}


@pytest.mark.parametrize(("changes", "code"), BROKEN.values(), ids=BROKEN)
def test_one_that_will_not_do_leaves_those_before(book, source, front, changes, code):
    before = publish(book, source)
    front.read(book)
    publish(book, source, signatures=changed(before.body, **changes), notes="new")
    front.read(book)
    assert problem(front)[0][0] == code
    assert len(vectors(front)) == 3
    assert get_person(front.db, "anna").notes == "new"


@pytest.mark.parametrize("dimension", [8, 65])
def test_of_another_length_they_never_come_to_be_compared(book, source, front, dimension):
    put_signatures(source.db, "anna", signed(1, dimension=dimension), NOW)
    publish(book, source)
    front.read(book)
    assert problem(front)[0][0] == "damaged"
    assert vectors(front) is None


def test_another_person_s_do_not_open(book, source, front):
    body = publish(book, source).body
    book.kept(document("person/ben", body=body | {"name": "Ben"}))
    front.read(book)
    ((code, message),) = problem(front)
    assert (code, message.partition(",")[0]) == ("damaged", "a signature is not for ben")
    assert load_signatures(front.db, MODEL).keys() == {"anna"}


def test_none_without_consent_until_it_is_given(book, source, front):
    publish(book, source, consent=None)
    front.read(book)
    assert problem(front)[0][0] == "no_consent"
    assert vectors(front) is None
    consent.give(front.db, "anna", "notice 3", request())
    front.try_again()
    assert (problem(front), len(vectors(front))) == ([], 3)


def test_consent_that_is_taken_back_takes_them_and_they_do_not_come_back(book, source, front):
    publish(book, source)
    front.read(book)
    consent.withdraw(front.db, "anna", request(LATER))
    publish(book, source, notes="new")
    front.read(book)
    assert (problem(front)[0][0], vectors(front)) == ("no_consent", None)


def test_who_is_taken_out_of_the_roster_is_forgotten_with_a_receipt(book, source, front):
    put = publish(book, source)
    front.read(book)
    book.kept(document(version=put.header.version + 1, gone=True))
    front.read(book)
    assert front.db.rows("SELECT * FROM signatures") == []
    assert json.loads(front.db.rows("SELECT what FROM receipts")[0][0])["deleted"]["signatures"] == 3


def test_those_that_wait_are_forgotten_too(book, source, front):
    sealed = publish(book, source, consent=None).body["signatures"][0]["vector"]
    front.read(book)
    assert sealed in front.db.rows("SELECT waiting FROM roster_objects")[0][0]
    forget(front.db, front.config, "anna", request())
    assert sealed not in str(front.db.rows("SELECT waiting, document FROM roster_objects"))


def test_more_than_a_sitting_are_refused_by_the_service(book, source):
    one = publish(book, source).body["signatures"][0]
    refused = book.put(document(version=2, body={"name": "Anna", "signatures": [one] * (REFERENCES + 1)}))
    assert (refused.ok, refused.code) == (False, "bad_request")


class TestNewerThanTheDevice:
    """A field that only a later version knows: its service has let it through."""

    def take(self, book, front, body):
        later = document(body=body)
        front.taking.take(front.db, book.head(), [(1, later.as_json())], NOW, more=True)

    def test_all_else_is_in_force_and_it_is_told(self, book, front):
        self.take(book, front, {"name": "Anna", "badge": "7", "gait": [1, 2]})
        assert get_person(front.db, "anna").badge == "7"
        ((code, message),) = problem(front)
        assert code == "bad_request"
        assert message.startswith("person/anna: gait: not known to this version of Latchkey")
        front.try_again()
        assert [one for one, _ in problem(front)] == ["bad_request"]

    def test_what_is_known_has_to_be_in_order_all_the_same(self, book, front):
        self.take(book, front, {"name": "", "gait": 1})
        assert get_person(front.db, "anna") is None
