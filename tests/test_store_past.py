"""The past, newest first: what each question finds, against a naive look through everything; how far a page looks."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.store import events, members, past, people, undone
from agent.store.db import open_db
from agent.store.past import Wanted, page

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def body(number):
    who = (None, "anna", "ben")[number % 3]
    return {
        "person": who,
        "outcome": "denied" if who is None else "granted",
        "reason": "unknown" if who is None else "match",
        "detail": f'at "Öffnung" {number}, Straße {number % 10}',
        "half": "\udcff",
        "companion": None,
    }


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    with open_db(tmp_path_factory.mktemp("past") / "latchkey.db") as db:
        with db.transaction():
            for person in ("anna", "ben"):
                people.add_person(db, person, name=person.title(), at=BEGAN)
            for number in range(90):
                back = 48 * HOUR if number == 50 else 0 * HOUR  # the clock is set back once
                kind = "audit" if number % 10 == 9 else "access"
                events.append(db, kind, BEGAN + number * HOUR - back, "boot", body(number))
        yield db


def all_of(db):
    return events.since(db, 0, 1000)[::-1]


def walked(db, wanted, limit=7):
    """All pages, one after the other."""
    found, before = [], None
    while True:
        told = page(db, wanted, before=before, limit=limit)
        found += told.events
        assert len(told.events) <= limit
        before = told.before
        if before is None:
            return found


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        pytest.param(Wanted(), lambda _: True, id="everything"),
        pytest.param(Wanted(kinds=("access",)), lambda each: each.kind == "access", id="a kind"),
        pytest.param(Wanted(hidden=("audit",)), lambda each: each.kind != "audit", id="without what may not be seen"),
        pytest.param(Wanted(kinds=("audit",), hidden=("audit",)), lambda _: False, id="what may not be seen"),
        pytest.param(Wanted(person="anna"), lambda each: each.body["person"] == "anna", id="a person"),
        pytest.param(Wanted(person="nobody"), lambda _: False, id="somebody who was never there"),
        pytest.param(Wanted(outcome="denied"), lambda each: each.body["outcome"] == "denied", id="an outcome"),
        pytest.param(Wanted(reason="match"), lambda each: each.body["reason"] == "match", id="a reason"),
        pytest.param(Wanted(since=BEGAN + 60 * HOUR), lambda each: each.at >= BEGAN + 60 * HOUR, id="since"),
        pytest.param(Wanted(until=BEGAN + 3 * HOUR), lambda each: each.at < BEGAN + 3 * HOUR, id="until, by a clock"),
        pytest.param(
            Wanted(since=BEGAN + HOUR, until=BEGAN + 9 * HOUR, person="ben"),
            lambda each: BEGAN + HOUR <= each.at < BEGAN + 9 * HOUR and each.body["person"] == "ben",
            id="a person within a time",
        ),
        pytest.param(Wanted(since=BEGAN + 999 * HOUR), lambda _: False, id="the future"),
        pytest.param(Wanted(text="Öffnung"), lambda _: True, id="a text beyond ASCII"),
        pytest.param(Wanted(text="öffnung"), lambda _: True, id="a text beyond ASCII, in capitals or not"),
        pytest.param(
            Wanted(text="STRASSE 7"), lambda each: "Straße 7" in each.body["detail"], id="a letter that is two"
        ),
        pytest.param(Wanted(text='at "'), lambda _: True, id="a text with a quotation mark"),
        pytest.param(Wanted(text="MATCH"), lambda each: each.body["reason"] == "match", id="a text in capitals"),
        pytest.param(Wanted(text="companion"), lambda _: False, id="no text, only the name of a field"),
        pytest.param(Wanted(text="%"), lambda _: False, id="no pattern"),
    ],
)
def test_what_is_wanted_is_found_newest_first(db, wanted, holds):
    assert walked(db, wanted) == [each for each in all_of(db) if holds(each)]


def test_a_page_looks_at_so_many_and_says_how_far_it_came(db, monkeypatch):
    monkeypatch.setattr(past, "LOOKED_AT", 20)
    told = page(db, Wanted(text='Öffnung" 5'), limit=50)
    assert (told.events, told.before) == ([], 71)
    assert told.looked_back_to == BEGAN + 69 * HOUR
    assert [each.seq for each in walked(db, Wanted(text='Öffnung" 5'))] == [60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 6]
    assert walked(db, Wanted(person="anna")) == [each for each in all_of(db) if each.body["person"] == "anna"]


def test_pages_go_by_an_index_however_many_events_there_are(db):
    for wanted in (Wanted(), Wanted(kinds=("access",)), Wanted(person="anna"), Wanted(reason="x", since=BEGAN)):
        conditions, values = past._conditions(db, wanted)
        query = f"SELECT * FROM events WHERE seq BETWEEN ? AND ? AND {conditions} ORDER BY seq DESC LIMIT 51"  # noqa: S608 - ours
        plan = " ".join(row[3] for row in db.rows(f"EXPLAIN QUERY PLAN {query}", (1, 2**62, *values)))
        assert plan.startswith("SEARCH events USING"), plan
        assert "TEMP B-TREE" not in plan


def test_a_person_is_found_by_the_ids_before(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db, db.transaction() as sql:
        people.add_person(db, "anna.berg", name="Anna Berg", at=BEGAN)
        sql.execute("INSERT INTO former_ids VALUES ('anna', 'anna.berg')")
        assert members.ids_of(db, "anna.berg") == ("anna.berg", "anna")
        for who in ("anna", "anna.berg", "ben"):
            events.append(db, "access", BEGAN, "boot", {"person": who})
        assert [each.seq for each in page(db, Wanted(person="anna.berg")).events] == [2, 1]
        assert past.names(db, ["anna", "anna.berg", "ben", None]) == {"anna": "Anna Berg", "anna.berg": "Anna Berg"}


def test_what_a_decision_has_made(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        made = events.append(db, "access", BEGAN, "boot", {"person": "anna"})
        events.append(db, "attendance", BEGAN, "boot", {"person": "anna", "access": made.id})
        events.append(db, "attendance", BEGAN, "boot", {"person": "ben", "access": "another"})
        events.append(db, "alarm", BEGAN, "boot", {"alarm": "duress", "access": made.id})
        assert [each.seq for each in past.made_by(db, made)] == [2, 4]


def test_what_was_undone_is_not_weighed(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        people.add_person(db, "anna", name=None, at=BEGAN)
        told = {"outcome": "granted", "reason": "match", "person": "anna", "similarity": 0.7, "threshold": 0.4}
        first, _ = (events.append(db, "access", BEGAN + n * HOUR, "boot", told | {"repeat": bool(n)}) for n in (0, 1))
        undone.undo(db, first, "anna", BEGAN, "cli")
        assert [row[1:] for row in past.weighed(db, BEGAN, 10)] == [("granted", "match", "anna", 0.7, 0.4, 1)]
        assert past.weighed(db, BEGAN + 2 * HOUR, 10) == []
