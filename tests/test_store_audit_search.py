"""Rows of the audit are found by what they say, page by page, and the chain is checked in steps."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.audit import audit
from agent.privacy.chain import ERASED, ERASED_BY, Anchor
from agent.register import Request
from agent.store import audit as chain
from agent.store import audit_search
from agent.store.audit_check import AuditCheck
from agent.store.audit_search import Wanted, page
from agent.store.db import open_db

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ROWS = [
    ("enrolled", "anna", "page:olga", {"templates": 5}),
    ("card_added", "anna", "mqtt:Omar", {"cards": 1}),
    ("rules_applied", None, "cli:root", {"version": 3}),
    ("enrolled", "ben", "page:olga", {"templates": 2}),
    ("backed_up", None, "page:olga", {"to": "50%_off"}),
]


def told(db, number, row):
    action, subject, by, details = row
    request = Request(by, NOON + timedelta(hours=number), "boot", f"c-{number}")
    audit(db, action, subject, request, details)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        for number, row in enumerate(ROWS, start=1):
            told(db, number, row)
        yield db


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param({}, [5, 4, 3, 2, 1], id="nothing is asked: all, the newest first"),
        pytest.param({"action": "enrolled"}, [4, 1], id="an action as it is"),
        pytest.param({"action": "enrol"}, [], id="and no part of one"),
        pytest.param({"by": "omar"}, [2], id="who did it, in capitals or not"),
        pytest.param({"by": "page:"}, [5, 4, 1], id="all who did it on the page"),
        pytest.param({"subject": "ann"}, [2, 1], id="part of whom it is about"),
        pytest.param({"text": '"version":3'}, [3], id="a text of the details"),
        pytest.param({"text": "C-2"}, [2], id="a command's id"),
        pytest.param({"text": "50%_off"}, [5], id="signs that mean something to SQL mean themselves"),
        pytest.param({"text": "%"}, [5], id="each of them"),
        pytest.param({"text": "' OR 1=1 --"}, [], id="and nobody asks something else"),
        pytest.param({"since": NOON + timedelta(hours=4)}, [5, 4], id="from a time on"),
        pytest.param({"until": NOON + timedelta(hours=2)}, [1], id="until before a time"),
        pytest.param({"by": "olga", "action": "enrolled", "subject": "ben"}, [4], id="all of it together"),
    ],
)
def test_rows_are_found_by_what_they_say(db, wanted, numbers):
    found = page(db, Wanted(**wanted))
    assert [row.number for row in found.rows] == numbers
    assert found.before is None


@pytest.mark.parametrize(
    "wanted", [{"by": "JÜRGEN"}, {"subject": "ÜLO"}, {"text": "STRASSE"}, {"text": "jürgen"}], ids=str
)
def test_in_capitals_or_not_is_so_beyond_ascii(db, wanted):
    told(db, 6, ("renamed", "ülo", "page:Jürgen", {"to": "Straße"}))
    assert [row.number for row in page(db, Wanted(**wanted)).rows] == [6]


def test_page_by_page(db):
    first = page(db, Wanted(), limit=2)
    second = page(db, Wanted(), before=first.before, limit=2)
    third = page(db, Wanted(), before=second.before, limit=2)
    assert [[row.number for row in each.rows] for each in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert third.before is None


def test_a_page_looks_at_no_more_than_so_many_rows_and_says_where_to_go_on(db, monkeypatch):
    monkeypatch.setattr(audit_search, "WINDOW", 2)
    found = page(db, Wanted(action="rules_applied"))
    assert (found.rows, found.before) == ([], 4)
    assert [row.number for row in page(db, Wanted(action="rules_applied"), before=4).rows] == [3]
    assert audit_search.actions(db) == ["backed_up", "enrolled"]


def test_a_number_that_was_tampered_with_does_not_make_the_way_to_it_long(db):
    with db.transaction() as sql:
        sql.execute("UPDATE audit SET number = -1000000000000 WHERE number = 1")
    first = page(db, Wanted())
    assert [row.number for row in first.rows] == [5, 4, 3, 2]
    second = page(db, Wanted(), before=first.before)
    assert ([row.action for row in second.rows], second.before) == (["enrolled"], None)


@pytest.mark.parametrize("number", [2**63 - 1, 2**62])
def test_the_last_row_with_the_greatest_number_is_shown_and_those_before(db, number):
    with db.transaction() as sql:
        sql.execute("UPDATE audit SET number = ? WHERE number = 5", (number,))
    first = page(db, Wanted())
    assert [row.number for row in first.rows] == [number]
    assert [row.number for row in page(db, Wanted(), before=first.before).rows] == [4, 3, 2, 1]
    assert audit_search.actions(db) == ["backed_up"]


def test_rows_with_the_least_numbers_are_shown(db):
    with db.transaction() as sql:
        sql.execute("UPDATE audit SET number = number - 9223372036854775807 - 2")
    found = page(db, Wanted(), limit=4)
    assert len(found.rows) == 4
    assert [row.number for row in page(db, Wanted(), before=found.before).rows] == [-(2**63)]
    assert len(audit_search.actions(db)) == 4


def steps(db, known=None, rows=2):
    check, told = AuditCheck(known), []
    while not told or not told[-1].over:
        told.append(check.step(db, rows))
    return told


def test_the_chain_is_checked_in_steps(db):
    found = steps(db)
    assert [(each.done, each.of, each.over) for each in found] == [(2, 5, False), (4, 5, False), (5, 5, True)]
    assert found[-1].broken is None
    assert found[-1].head == chain.head(db)


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit SET details = '{}' WHERE number = 3", 3),
        ("UPDATE audit SET number = -3 WHERE number = 3", -3),
        ("DELETE FROM audit WHERE number = 4", 4),
        ("DELETE FROM audit WHERE number < 3", 1),
        ("""UPDATE audit SET "by" = NULL, by_salt = NULL WHERE number = 2""", 2),
    ],
)
def test_what_was_done_to_it_is_found_as_by_who_looks_at_it_at_once(db, statement, number):
    with db.transaction() as sql:
        sql.execute(statement)
    whole = chain.verify(db)
    assert whole.number == number
    for rows in (1, 2, 5, 1000):
        assert steps(db, rows=rows)[-1].broken == whole


def test_an_end_that_was_cut_off_shows_against_what_was_kept_elsewhere(db):
    kept = chain.head(db)
    assert steps(db, kept)[-1].broken is None
    with db.transaction() as sql:
        sql.execute("DELETE FROM audit WHERE number > 3")
    assert steps(db)[-1].broken is None
    assert steps(db, kept)[-1].broken.number == 4
    assert steps(db, Anchor(2, "f" * 64))[-1].broken.number == 2


def test_what_is_appended_erased_or_removed_meanwhile_does_no_harm(db):
    check = AuditCheck()
    assert not check.step(db, 2).over
    with db.transaction():
        erased = chain.erase(db, "ben")
        told(db, 6, ("forgotten", "ben", "cli:root", erased))
    assert erased == {ERASED: [4], ERASED_BY: []}
    assert not check.step(db, 2).over
    with db.transaction():
        to = chain.prunable(db, NOON + timedelta(hours=4))
        chain.prune(db, to)
        told(db, 7, ("audit_pruned", None, "retention", {"to": to.number, "hash": to.hash}))
    done = check.step(db, 1000)
    assert (done.over, done.broken, done.of) == (True, None, 4)
