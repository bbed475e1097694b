"""A table of people, looked at before anything is done."""

from zoneinfo import ZoneInfo

import pytest

from agent.errors import CommandError
from agent.members.credentials import add_card
from agent.members.particulars import set_person
from agent.members.table import MOST_LINES, Preview
from agent.store.db import open_db
from agent.store.sealing import card_key
from tests.fakes.keys import KEY
from tests.fakes.registers import NOW, add, request

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    with open_db(tmp_path_factory.mktemp("table") / "d.db", key=KEY) as opened:
        add(opened, "anna", name="Anna Berg")
        set_person(opened, "anna", {"badge": "1042"}, request())
        add_card(opened, "anna", "04A1B2C3", card_key(opened), request())
        yield opened


def lines(db, text, photos=()):
    return list(Preview(db, photos, NOW).lines(text, ZONE))


def test_tells_what_each_line_would_do_and_what_to_send(db):
    text = "id,name,groups,valid_to,card,photos\nben,Ben Haddad,staff;night,2026-12-24,04FF0011,photos/b1.jpg|b2.jpg\n"
    assert lines(db, text, ["b1.jpg", "b2.jpg"]) == [
        {
            "line": 2,
            "person": "ben",
            "becomes": "added",
            "changes": {"name": "Ben Haddad", "groups": ["staff", "night"], "valid_to": "2026-12-24T23:00:00.000Z"},
            "card": "04FF0011",
            "hint": "11",
            "photos": ["b1.jpg", "b2.jpg"],
        }
    ]


def test_the_table_of_admin_enrol_is_read_as_well(db):
    told = lines(db, "person;name;groups;badge;photos\nanna;Anna Berg;;1042;\nmia;Mia;a,b;;\n")
    assert [each["becomes"] for each in told] == ["unchanged", "added"]
    assert told[1]["changes"]["groups"] == ["a", "b"]


def test_nothing_is_changed(db):
    before = db.rows("SELECT * FROM people"), db.rows("SELECT * FROM audit")
    lines(db, "id,name\nanna,Another\nmia,Mia\n")
    assert (db.rows("SELECT * FROM people"), db.rows("SELECT * FROM audit")) == before


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param("id\n-x\n", 2, "not a person id", id="a strange id"),
        pytest.param("id\nmia\n\nmia\n", 4, "mia stands in line 2 already", id="somebody twice"),
        pytest.param("id,name\nmia,Mia,x\n", 2, "3 cells, but 2 columns", id="too many cells"),
        pytest.param("id,to\nmia,soon\n", 2, "is no time", id="no time"),
        pytest.param(
            "id,from,to\nmia,2026-02-02,2026-01-01\n", 2, "the end comes after", id="the end before the beginning"
        ),
        pytest.param("id,badge\nmia,1042\n", 2, "is that of anna", id="the badge of another"),
        pytest.param("id,badge\nmia,7\nzoe,7\n", 3, "badge number stands in line 2", id="a badge twice"),
        pytest.param("id,card\nmia,04A1B2C3\n", 2, "this card is that of anna", id="the card of another"),
        pytest.param("id,card\nmia,0102\nzoe,0102\n", 3, "this card stands in line 2", id="a card twice"),
        pytest.param("id,photos\nmia,m.jpg\n", 2, "no photo 'm.jpg' was dropped", id="a photo that is not there"),
        pytest.param(
            "id,photos\nmia," + ";".join(["a.jpg"] * 21), 2, "21 photos of mia: at most 20", id="too many photos"
        ),
        pytest.param("id,visitor\nmia,yes\n", 2, "say until when", id="what person_set would refuse"),
        pytest.param('id,groups\nmia,"+x"\n', 2, "a group is named in", id="a strange group"),
    ],
)
def test_says_what_is_wrong_with_which_line(db, text, line, problem):
    wrong = [each for each in lines(db, text, ["a.jpg"]) if "problem" in each]
    assert [each["line"] for each in wrong] == [line]
    assert problem in wrong[0]["problem"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "want the column id", id="nothing"),
        pytest.param("name\nMia\n", "want the column id", id="no ids"),
        pytest.param("id,person\nx,y\n", "none twice", id="an id by two names"),
        pytest.param(
            "id,salary\nmia,3\n", "there is no column 'salary'; there are id, name, .*, card, photos", id="strange"
        ),
        pytest.param("id\n", "nobody stands in the table", id="nobody"),
        pytest.param("id\n" + "".join(f"p{n}\n" for n in range(MOST_LINES + 1)), "at most 5000 people", id="too many"),
    ],
)
def test_what_is_no_table_is_refused_whole(db, text, problem):
    with pytest.raises(CommandError, match=problem):
        lines(db, text)
