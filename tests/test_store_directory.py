"""Who is looked for among ten thousand people: which, in what order, how many."""

from datetime import timedelta

import pytest

from agent.access.holder import State
from agent.store import consents, members, templates
from agent.store.consents import Consent
from agent.store.db import open_db
from agent.store.directory import Basis, Lack, Order, Wanted, find, numbers
from agent.store.people import add_person, get_people
from agent.store.times import to_text
from tests.fakes.keys import KEY
from tests.fakes.registers import NOW, template

MANY = 10_000
BASIS = Basis(model="m1", now=NOW, soon=NOW + timedelta(days=30))


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """Every tenth is in a group, every hundredth suspended, every thousandth ends soon; one has a face and agreed."""
    with open_db(tmp_path_factory.mktemp("many") / "d.db", key=KEY) as opened:
        with opened.transaction() as sql:
            for number in range(MANY):
                add_person(opened, f"p{number:05}", name=f"Person {MANY - number:05}", at=NOW)
            sql.execute("INSERT INTO memberships SELECT id, 'staff' FROM people WHERE id LIKE '%0'")
            sql.execute("UPDATE people SET state = 'suspended' WHERE id LIKE '%00'")
            soon = to_text(NOW + timedelta(days=3))
            sql.execute("UPDATE people SET valid_to = ? WHERE id LIKE '%000'", (soon,))
            members.update(opened, "p00001", {"valid_to": to_text(NOW - timedelta(days=3)), "badge": "B-1042"})
            members.update(opened, "p00002", {"name": "Ägidius Straße"})
            templates.add_templates(opened, "p00003", [template(1)], NOW)
            for person, given in (("p00003", True), ("p00004", True), ("p00004", False)):
                consents.add(opened, person, Consent(given=given, at=NOW, text="v1", by="cli"))
        yield opened


def found(db, **wanted):
    people, count = find(db, Wanted(**wanted), BASIS)
    return [person.id for person in people], count


@pytest.mark.parametrize(
    ("wanted", "ids", "count"),
    [
        pytest.param({}, ["p09999", "p09998"], MANY, id="everybody by name"),
        pytest.param({"order": Order.ID}, ["p00000", "p00001"], MANY, id="by id"),
        pytest.param({"order": Order.ID, "offset": 9_998}, ["p09998", "p09999"], MANY, id="the last page"),
        pytest.param({"order": Order.ID, "offset": MANY}, [], MANY, id="beyond the last page"),
        pytest.param({"order": Order.ENDS}, ["p00001", "p00000"], MANY, id="whose time ends first"),
        pytest.param({"order": Order.NEWEST}, ["p00000", "p00001"], MANY, id="the newest, then by id"),
        pytest.param({"search": "b-10"}, ["p00001"], 1, id="by badge number"),
        pytest.param({"search": "STRASSE"}, ["p00002"], 1, id="by name, in capitals or not"),
        pytest.param({"search": "'; DROP"}, [], 0, id="nobody"),
        pytest.param({"group": "staff", "order": Order.ID}, ["p00000", "p00010"], 1000, id="of a group"),
        pytest.param(
            {"group": "staff", "state": State.ACTIVE, "order": Order.ID}, ["p00010", "p00020"], 900, id="both"
        ),
        pytest.param({"state": State.SUSPENDED, "order": Order.ID}, ["p00000", "p00100"], 100, id="who is suspended"),
        pytest.param({"lacks": Lack.TIME, "order": Order.ID}, ["p00000", "p01000"], 10, id="whose time ends soon"),
        pytest.param({"lacks": Lack.CONSENT, "order": Order.ID}, ["p00000", "p00001"], MANY - 1, id="no consent now"),
        pytest.param({"lacks": Lack.TEMPLATE, "order": Order.ID}, ["p00000", "p00001"], MANY - 1, id="no template"),
    ],
)
def test_finds(db, wanted, ids, count):
    assert found(db, limit=2, **wanted) == (ids, count)


def test_a_template_of_another_model_does_not_count(db):
    other = Basis(model="another", now=NOW, soon=NOW)
    assert find(db, Wanted(search="p00003", lacks=Lack.TEMPLATE), other)[1] == 1
    assert find(db, Wanted(search="p00003", lacks=Lack.TEMPLATE), BASIS)[1] == 0


def test_only_what_is_shown_is_read_whole(db):
    asked = []
    db.sql.set_trace_callback(asked.append)
    try:
        find(db, Wanted(limit=50, offset=5000), BASIS)
    finally:
        db.sql.set_trace_callback(None)
    whole = [each for each in asked if "json_group_array" in each]
    assert len(asked) == 3
    assert len(whole) == 1
    assert whole[0].count('"p0') == 50


def test_tells_how_many_there_are(db):
    told = numbers(db, BASIS)
    assert (told["people"], told["states"], told["groups"]) == (
        MANY,
        {"active": 9900, "suspended": 100},
        {"staff": 1000},
    )
    assert told["lacks"] == {"consent": MANY - 1, "template": MANY - 1, "time": 10}


def test_of_nobody_there_are_none(tmp_path):
    with open_db(tmp_path / "d.db", key=KEY) as db:
        assert found(db) == ([], 0)
        assert numbers(db, BASIS)["lacks"] == {"consent": 0, "template": 0, "time": 0}


def test_people_are_got_in_the_order_asked_for(db):
    assert [each.id for each in get_people(db, ["p00007", "nobody", "p00003"])] == ["p00007", "p00003"]
