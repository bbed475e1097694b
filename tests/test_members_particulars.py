"""Changes of people, over a real database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.access.holder import State
from agent.errors import CommandError
from agent.members.known import enrolled, particulars
from agent.members.merge import rename
from agent.members.particulars import set_person
from agent.store import people
from agent.store.db import open_db
from agent.store.holders import register_version
from tests.fakes.keys import KEY
from tests.fakes.registers import LATER, NOW, add, audited, details, request

MORNING = datetime(2026, 11, 26, 8, tzinfo=timezone(timedelta(hours=1)))
EVENING = datetime(2026, 11, 26, 17, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        yield db


def change(db, person="anna", *, at=NOW, create=False, **changes):
    return set_person(db, person, changes, request(at), create=create)


class TestAdding:
    def test_somebody_without_a_face(self, db):
        done = change(db, create=True, name="Anna Ågren", badge="0815", groups=["staff", "night"])
        assert done == particulars(db, "anna")
        assert done == {
            "id": "anna",
            "name": "Anna Ågren",
            "badge": "0815",
            "state": "active",
            "groups": ["night", "staff"],
            "templates": 0,
            "models": [],
            "enrolled_at": "2026-11-26T06:00:00.000Z",
            "valid_from": None,
            "valid_to": None,
            "left_at": None,
            "factors": None,
            "extended": False,
            "visitor": False,
            "notes": "",
            "pin_set_at": None,
            "duress": False,
            "cards": [],
            "consents": [],
            "former_ids": [],
            "signatures": 0,
        }
        assert audited(db) == [("person_added", "anna"), ("person_changed", "anna")]

    def test_somebody_with_nothing_but_an_id(self, db):
        assert change(db, create=True)["name"] == "anna"
        assert audited(db) == [("person_added", "anna")]

    def test_only_where_it_is_asked_for(self, db):
        with pytest.raises(CommandError, match="nobody is enrolled as 'anna'") as refused:
            change(db, name="Anna")
        assert refused.value.code == "unknown_person"

    def test_twice_is_once(self, db):
        first = change(db, create=True, badge="1")
        assert change(db, at=LATER, create=True, badge="1") == first
        assert len(audited(db)) == 2

    def test_an_id_that_was_somebody_else_s_is_refused(self, db):
        change(db, create=True)
        rename(db, "anna", "ann", request())
        with pytest.raises(CommandError, match="anna was the id of ann, and events name it") as refused:
            change(db, create=True)
        assert refused.value.code == "id_taken"
        with pytest.raises(CommandError, match="nobody is enrolled as 'anna': that is ann now"):
            change(db, name="Anna")


class TestChanging:
    def test_what_is_left_out_stays(self, db):
        change(db, create=True, name="Anna", badge="1", groups=["staff"], notes="n", factors="card + pin")
        done = change(db, at=LATER, extended=True)
        assert (done["name"], done["badge"], done["groups"], done["notes"]) == ("Anna", "1", ["staff"], "n")
        assert (done["factors"], done["extended"]) == ("card+pin", True)
        assert details(db)["changed"] == ["extended"]

    def test_none_takes_away(self, db):
        change(db, create=True, badge="1", valid_from=MORNING, valid_to=EVENING, factors="card")
        done = change(db, badge=None, valid_from=None, valid_to=None, factors=None)
        assert [done[key] for key in ("badge", "valid_from", "valid_to", "factors")] == [None] * 4

    def test_times_are_kept_as_instants(self, db):
        assert change(db, create=True, valid_from=MORNING)["valid_from"] == "2026-11-26T07:00:00.000Z"

    def test_groups_are_put_together(self, db):
        change(db, create=True, groups=["a", "b"])
        assert change(db, add_groups=["c", "a"], remove_groups=["b", "x"])["groups"] == ["a", "c"]
        assert change(db, groups=["z"], add_groups=["y"])["groups"] == ["y", "z"]
        assert change(db, groups=[])["groups"] == []

    def test_the_audit_names_what_rules_see_and_hides_the_rest(self, db):
        change(db, create=True)
        change(db, name="Anna", badge="0815", notes="ill", groups=["staff"], valid_to=EVENING, state=State.SUSPENDED)
        told = details(db)
        assert told["changed"] == ["badge", "groups", "name", "notes", "state", "valid_to"]
        assert (told["groups"], told["state"], told["valid_to"]) == (
            ["staff"],
            "suspended",
            "2026-11-26T17:00:00.000Z",
        )
        assert not {"Anna", "0815", "ill"} & {str(value) for value in told.values()}

    def test_what_is_the_same_is_no_change(self, db):
        change(db, create=True, badge="1", groups=["a"])
        version, count = register_version(db), len(audited(db))
        change(db, badge="1", groups=["a"], state=State.ACTIVE)
        assert (register_version(db), len(audited(db))) == (version, count)


class TestLeaving:
    def test_when_somebody_left_is_kept_until_they_come_back(self, db):
        change(db, create=True)
        assert change(db, at=NOW, state=State.LEFT)["left_at"] == "2026-11-26T06:00:00.000Z"
        assert change(db, at=LATER, state=State.LEFT, notes="again")["left_at"] == "2026-11-26T06:00:00.000Z"
        assert change(db, at=LATER, state=State.ACTIVE)["left_at"] is None
        assert change(db, at=LATER, state=State.LEFT)["left_at"] == "2026-11-27T06:00:00.000Z"


REFUSED = [
    ({"name": ""}, "a name has 1 to 128 printable characters"),
    ({"name": "a\n"}, "a name has 1 to 128 printable characters"),
    ({"badge": ""}, "a badge number has 1 to 32 printable characters"),
    ({"badge": " 1"}, "a badge number has"),
    ({"badge": "1" * 33}, "a badge number has"),
    ({"groups": ["a;b"]}, "a group is named in 1 to 64"),
    ({"groups": [""]}, "a group is named in 1 to 64"),
    ({"groups": ["+a"]}, "a group is named in 1 to 64"),
    ({"add_groups": ["a\n"]}, "a group is named in 1 to 64"),
    ({"groups": [f"g{n}" for n in range(65)]}, "65 groups: 64 are the most"),
    ({"valid_from": EVENING, "valid_to": EVENING}, "the end comes after"),
    ({"valid_from": EVENING, "valid_to": MORNING}, "the end comes after"),
    ({"visitor": True}, "anna is a visitor: say until when"),
    ({"factors": ""}, "'' is no way to be let in; there are face"),
    ({"factors": "nose"}, "'nose' is no way to be let in; there are face"),
    ({"notes": "x" * 2001}, "notes have 2000 characters at most"),
]


class TestRefusals:
    @pytest.mark.parametrize(("changes", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
    def test_what_cannot_be_kept_is_refused_as_a_whole(self, db, changes, problem):
        before = change(db, create=True, extended=False)
        with pytest.raises(CommandError, match=problem) as refused:
            change(db, extended=True, **changes)
        assert refused.value.code == "bad_request"
        assert particulars(db, "anna") == before
        assert audited(db) == [("person_added", "anna")]

    def test_nobody_is_added_by_halves(self, db):
        with pytest.raises(CommandError):
            change(db, create=True, visitor=True)
        assert people.list_people(db) == []
        assert audited(db) == []

    def test_the_badge_number_of_somebody_else(self, db):
        change(db, "ben", create=True, badge="1")
        with pytest.raises(CommandError, match="the badge number of anna is that of ben") as refused:
            change(db, create=True, badge="1")
        assert refused.value.code == "badge_taken"

    def test_an_end_before_a_start_that_was_there(self, db):
        change(db, create=True, valid_from=EVENING)
        with pytest.raises(CommandError, match="the end comes after"):
            change(db, valid_to=MORNING)

    def test_a_visitor_without_an_end_any_more(self, db):
        change(db, create=True, visitor=True, valid_to=EVENING)
        with pytest.raises(CommandError, match="say until when"):
            change(db, valid_to=None)
        assert change(db, visitor=False, valid_to=None)["visitor"] is False

    @pytest.mark.parametrize("person", ["", "../anna", "anna b", "x" * 65])
    def test_what_is_no_id(self, db, person):
        with pytest.raises(CommandError, match="is not a person id"):
            change(db, person, create=True)


values = {
    "name": st.sampled_from(["Anna", "Ben"]),
    "badge": st.sampled_from([None, "1", "2"]),
    "groups": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
    "valid_to": st.sampled_from([None, EVENING]),
    "state": st.sampled_from(State),
    "extended": st.booleans(),
    "notes": st.sampled_from(["", "n"]),
}
subsets = st.fixed_dictionaries({}, optional=values)


class TestProperties:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(subsets, max_size=5))
    def test_any_order_of_changes_ends_with_the_last_of_each(self, db, all_changes):
        with db.transaction() as sql:
            sql.execute("DELETE FROM people")
        add(db, "anna")
        last = {"name": "anna", "badge": None, "groups": [], "valid_to": None, "state": State.ACTIVE}
        for changes in all_changes:
            change(db, **changes)
            change(db, **changes)  # bears repeating
            last |= changes
        one = enrolled(db, "anna")
        kept = {key: getattr(one, key) for key in last}
        assert kept == last | {"groups": tuple(sorted(set(last["groups"])))}
        assert (one.left_at is not None) == (one.state is State.LEFT)
