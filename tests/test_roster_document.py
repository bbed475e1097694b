"""Documents: what is signed, by whom, and that nothing else passes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import CommandError
from agent.roster.bodies import check_body
from agent.roster.document import MOST_BYTES, Document, check_object, sign
from agent.roster.tally import Tally
from agent.trust.keys import Admin
from agent.trust.roles import Role
from tests.fakes.rosters import ENROLLER, NOW, STRANGER, admin_body, document
from tests.fakes.trust import OWNER

OWNERS = Admin(OWNER.public, "owner", Role.OWNER)
ERIK = Admin(ENROLLER.public, "erik", Role.ENROLLER)


def code(call, *arguments):
    with pytest.raises(CommandError) as refused:
        call(*arguments)
    return refused.value.code


def changed(one, **fields):
    return {**one.as_json(), **fields}


def test_what_is_written_is_read_and_its_signer_found():
    one = document(body={"name": "Änna", "groups": ["b", "a"]})
    again = Document.parse(json.loads(one.text))
    assert (again.raw, again.body, again.leaf) == (one.raw, one.body, one.leaf)
    assert again.check_signer(OWNERS) is OWNERS
    assert (again.kind, again.name, again.gone, again.whole) == ("person", "anna", False, True)


def test_without_its_body_it_is_the_same_document():
    one = document()
    stub = Document.parse(json.loads(one.stub))
    assert (stub.leaf, stub.body, stub.whole, stub.gone) == (one.leaf, None, False, False)
    assert stub.check_signer(OWNERS)


def test_a_tombstone_is_whole():
    one = document(version=2, gone=True)
    assert (one.gone, one.whole, "body" in json.loads(one.text)) == (True, True, False)
    assert one.check_signer(OWNERS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("object", "person/ben"),
        ("version", 2),
        ("target", "hq/@front"),
        ("issued", "2026-11-27T12:00:00+00:00"),
        ("sha256", None),
        ("sha256", "0" * 64),
    ],
)
def test_nothing_in_the_header_may_be_another(field, value):
    forged = changed(document(), **{field: value})
    forged.pop("body")
    assert code(Document.parse(forged).check_signer, OWNERS) == "bad_signature"


def test_the_body_may_not_be_another():
    assert code(Document.parse, changed(document(), body={"name": "Ben"})) == "bad_signature"
    assert code(Document.parse, changed(document(gone=True), body={"name": "Ben"})) == "bad_signature"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"object": 1},
        changed(document(), object="person/a/b"),
        changed(document(), object="person/"),
        changed(document(), object="thing/x"),
        changed(document(), version=0),
        changed(document(), version=2**60),
        changed(document(), target="hq"),
        changed(document(), target="hq/a/b"),
        changed(document(), more=1),
        changed(document(), key="x"),
        changed(document(), signature="x"),
        changed(document(), issued="yesterday"),
        changed(document(), body=[1]),
        changed(document(), body=float("inf")),
    ],
)
def test_what_is_no_document(value):
    assert code(Document.parse, value) in {"bad_request", "bad_signature"}


LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.text(max_size=9), inner, max_size=4))


@given(VALUES)
def test_no_value_makes_it_stumble(value):
    with pytest.raises(CommandError):
        Document.parse(value)
    with pytest.raises(CommandError):
        Document.parse(changed(document(), body=value if value is not None else 1))


def test_who_may_sign_what():
    person, rules = document(key=ENROLLER), document("rules", body={"text": ""}, key=ENROLLER)
    assert person.check_signer(ERIK) is ERIK
    assert code(rules.check_signer, ERIK) == "not_permitted"
    assert code(person.check_signer, None) == "unknown_key"
    assert code(person.check_signer, Admin(ENROLLER.public, "erik", Role.ENROLLER, revoked_at=NOW)) == "unknown_key"
    assert code(document(key=STRANGER).check_signer, ERIK) == "bad_signature"


def test_what_is_too_large_is_not_signed():
    assert code(sign, "rules", 1, "hq/@all", {"text": "#" * MOST_BYTES}, OWNER, NOW) == "too_large"


@pytest.mark.parametrize("name", ["person", "person/", "rules/x", "device/hq", "admin/abc", "person/a\n", "x" * 300])
def test_names_that_are_none(name):
    assert code(check_object, name) == "bad_request"


@pytest.mark.parametrize(
    ("object_", "body", "problem"),
    [
        ("person/anna", {}, "name"),
        ("person/anna", {"name": "A", "extra": 1}, "extra"),
        ("person/anna", {"name": "A", "templates": [{}]}, "templates"),
        ("person/anna", {"name": "A", "valid_from": "soon"}, "valid_from"),
        ("rules", {"text": 1}, "text"),
        (f"admin/{ENROLLER.public.id}", admin_body(STRANGER, "x", "owner"), "another id"),
        (f"admin/{ENROLLER.public.id}", admin_body(ENROLLER, "Not a name", "owner"), "name"),
        (f"admin/{ENROLLER.public.id}", admin_body(ENROLLER, "x", "king"), "role"),
        (f"admin/{ENROLLER.public.id}", {"public": "x", "name": "x", "role": "owner"}, "base64"),
        ("device/hq/front", {"groups": ["a/b"]}, "groups"),
        ("service", {"public": ""}, "bytes"),
    ],
)
def test_bodies_that_will_not_do(object_, body, problem):
    with pytest.raises(CommandError, match=problem):
        check_body(document(object_, body=body))


def test_rules_are_not_removed():
    assert code(check_body, document("rules", 2, gone=True)) == "bad_request"


class TestTally:
    @given(st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=8), st.randoms())
    def test_is_the_same_in_any_order_and_by_any_way(self, leaves, random):
        shuffled = random.sample(leaves, len(leaves))
        step = Tally()
        for leaf in shuffled:
            step = step.replaced(None, b"0" * 32).replaced(b"0" * 32, leaf)
        assert step == Tally.of(leaves) == Tally.read(step.raw)

    def test_one_more_less_or_twice_is_another(self):
        one, other = b"1" * 32, b"2" * 32
        texts = {Tally.of(leaves).text for leaves in ([], [one], [other], [one, other], [one, one])}
        assert len(texts) == 5
