"""Many people at once from a table, and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.access.holder import State
from agent.errors import CommandError
from agent.members.known import enrolled
from agent.members.particulars import set_person
from agent.members.roll import apply_roll, read_roll, write_roll
from agent.store.db import open_db
from agent.store.people import list_people
from tests.fakes.registers import add, audited, request

BERLIN = ZoneInfo("Europe/Berlin")
TABLE = """id,name,badge,groups,from,to
anna,Anna Ågren,0815,staff;night,2026-12-01,2026-12-31

ben,"Ben, the second",,"staff, lab",,
"""


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def load(db, text, **options):
    return apply_roll(db, read_roll(text, BERLIN), request(), **options)


def refused(db, text):
    with pytest.raises(CommandError) as error:
        load(db, text)
    assert error.value.code == "bad_request"
    assert list_people(db) == []
    assert audited(db) == []
    return str(error.value).splitlines()


class TestReading:
    def test_everybody_is_added(self, db):
        assert load(db, TABLE) == {"added": 2, "changed": 0, "unchanged": 0}
        anna, ben = list_people(db)
        assert (anna.name, anna.badge, anna.groups) == ("Anna Ågren", "0815", ("night", "staff"))
        assert (anna.valid_from, anna.valid_to) == (
            datetime(2026, 11, 30, 23, tzinfo=UTC),
            datetime(2026, 12, 31, 23, tzinfo=UTC),
        )
        assert (ben.name, ben.badge, ben.groups, ben.valid_to) == ("Ben, the second", None, ("lab", "staff"), None)

    def test_again_changes_nothing(self, db):
        load(db, TABLE)
        count = len(audited(db))
        assert load(db, TABLE) == {"added": 0, "changed": 0, "unchanged": 2}
        assert len(audited(db)) == count

    def test_only_columns_that_are_there_are_set_and_names_stay_where_they_are_empty(self, db):
        load(db, TABLE)
        assert load(db, "id,name,badge\nanna,,\n") == {"added": 0, "changed": 1, "unchanged": 0}
        anna = enrolled(db, "anna")
        assert (anna.name, anna.badge, anna.groups) == ("Anna Ågren", None, ("night", "staff"))

    def test_semicolons_and_a_column_order_of_its_own(self, db):
        load(db, 'State;ID;visitor;to;extended\nsuspended;anna;yes;2026-12-24T18:00+01:00;1\n"";ben;;;no\n')
        anna, ben = list_people(db)
        assert (anna.state, anna.visitor, anna.extended, ben.state) == (State.SUSPENDED, True, True, State.ACTIVE)

    def test_columns_may_be_named_as_elsewhere(self, db):
        apply_roll(db, read_roll("person,valid_from,valid_to\nmia,2026-12-01,2026-12-31\n", BERLIN), request())
        mia = enrolled(db, "mia")
        assert (mia.valid_from, mia.valid_to) == (
            datetime(2026, 11, 30, 23, tzinfo=UTC),
            datetime(2026, 12, 31, 23, tzinfo=UTC),
        )

    def test_a_short_line_has_empty_cells(self, db):
        assert load(db, "id,badge,groups\nanna\n")["added"] == 1

    def test_a_dry_run_says_the_same_and_does_nothing(self, db):
        add(db, "ben")
        assert load(db, TABLE, dry=True) == {"added": 1, "changed": 1, "unchanged": 0}
        assert [person.id for person in list_people(db)] == ["ben"]
        assert audited(db) == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("table", "problem"),
        [
            ("", "line 1: want the column id, and none twice; there are id, name, badge"),
            ("name\nAnna\n", "line 1: want the column id"),
            ("id,id\n", "line 1: want the column id, and none twice"),
            ("id,surname\n", "line 1: there is no column 'surname'; there are id, name"),
            ("id\na,b\n", "line 2: 2 cells, but 1 columns"),
            ("id\n../a\n", "line 2: '../a' is not a person id"),
            ("id,from\na,soon\n", "line 2: 'soon' is no time"),
            ("id,state\na,gone\n", "line 2: 'gone' is no state; there are active, suspended, left, blocked"),
            ("id,visitor\na,perhaps\n", "line 2: 'perhaps' is neither yes nor no"),
            ("id,visitor\na,yes\n", "line 2: a is a visitor: say until when"),
            ("id,badge\na,1\nb,1\n", "line 3: the badge number of b is that of a"),
            ("id\na\nb\na\n", "line 4: a stands in line 2 already"),
            ('id,notes\na,"1\n2"\n\n/\n', "line 5: '/' is not a person id"),
        ],
    )
    def test_one_mistake_refuses_everybody(self, db, table, problem):
        (told,) = refused(db, table)
        assert told.startswith(problem)

    def test_all_mistakes_are_told_at_once_up_to_some(self, db):
        lines = refused(db, "id,from\n" + "".join(f"p{n},never\n" for n in range(30)))
        assert len(lines) == 21
        assert (lines[19][:9], lines[20]) == ("line 21: ", "and 10 more")


people = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Anna", "=1+1", "'=1+1", "'Tis", 'quote " comma , semicolon ;', "日本"]),
        "badge": st.sampled_from([None, "007"]),
        "groups": st.lists(st.sampled_from(["a", "b b"]), max_size=2),
        "valid_from": st.just(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        "valid_to": st.just(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        "state": st.sampled_from(State),
        "factors": st.sampled_from([None, "card+pin, face"]),
        "extended": st.booleans(),
        "notes": st.sampled_from(["", "two\nlines", "a,b"]),
    },
)


def test_a_name_is_no_formula_to_a_spreadsheet(db):
    set_person(db, "anna", {"name": "=1+1"}, request(), create=True)
    assert "anna,'=1+1," in write_roll(list_people(db), BERLIN)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people)
def test_what_is_exported_is_imported_as_it_was(db, changes):
    with db.transaction() as sql:
        sql.execute("DELETE FROM people")
    set_person(db, "anna", changes, request(), create=True)
    table = write_roll(list_people(db), BERLIN)
    assert load(db, table) == {"added": 0, "changed": 0, "unchanged": 1}
    with db.transaction() as sql:
        before = enrolled(db, "anna")
        sql.execute("DELETE FROM people")
    load(db, table)
    assert enrolled(db, "anna") == before
