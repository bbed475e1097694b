"""Refused commands in the audit: told apart, gathered, and never more than so many rows an hour."""

import pytest

from agent.errors import StoreFull
from agent.mqtt.message import Code
from agent.mqtt.refusals import Refused
from agent.refusals import DIFFERENT, ROWS_AN_HOUR, RefusalLog
from agent.register import Request
from agent.store import events
from agent.store.db import open_db
from tests.fakes.registers import NOW

UNSIGNED = Refused("unlock", "7", Code.UNSIGNED, None)
VIEWER = Refused("unlock", "8", Code.NOT_PERMITTED, "mqtt:ben", "0123456789abcdef")


class Book:
    """A log of refusals over a real database, and a clock by hand."""

    def __init__(self, db):
        self.db, self.seconds, self.full = db, 0.0, False
        self.log = RefusalLog(self.write, lambda by: Request(by, NOW, "boot"), lambda: self.seconds)

    def write(self, change):
        if self.full:
            raise StoreFull("full")
        return change(self.db)

    def note(self, *refused, later=1.0):
        for each in refused:
            self.log.note(each)
        self.seconds += later
        self.log.step()

    def rows(self):
        return [(event.body["by"], event.body["details"]) for event in events.since(self.db, 0, 10_000)]


@pytest.fixture
def book(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield Book(db)


def test_who_tried_what_is_in_the_audit(book):
    book.note(UNSIGNED, VIEWER)
    assert book.rows() == [
        ("mqtt", {"verb": "unlock", "code": "unsigned", "key": None, "times": 1}),
        ("mqtt:ben", {"verb": "unlock", "code": "not_permitted", "key": "0123456789abcdef", "times": 1}),
    ]


def test_the_same_within_a_second_is_one_row(book):
    book.note(UNSIGNED, later=1.0)
    book.note(*[UNSIGNED] * 10_000, later=0.5)
    assert len(book.rows()) == 1
    book.note(later=1.0)
    assert book.rows()[1][1]["times"] == 10_000


def test_a_flood_of_a_day_is_so_many_rows_an_hour_and_nothing_is_lost(book):
    for second in range(2 * 3600):
        book.note(Refused("unlock", None, Code.UNKNOWN_KEY, None, f"{second:016x}"))
    rows = [details for _, details in book.rows()]
    assert len(rows) <= 2 * (ROWS_AN_HOUR + 1)
    book.log.close()
    rows = [details for _, details in book.rows()]
    assert sum(details["times"] for details in rows) == 2 * 3600
    assert [details["code"] for details in rows].count("various") >= 1


def test_what_waits_is_bounded(book):
    book.note(*(Refused("unlock", None, Code.UNKNOWN_KEY, None, f"{key:016x}") for key in range(10_000)))
    assert len(book.log._waiting) <= DIFFERENT + 1
    book.log.close()
    assert sum(details["times"] for _, details in book.rows()) == 10_000


def test_a_full_disk_loses_no_count(book):
    book.full = True
    book.note(UNSIGNED)
    assert book.rows() == []
    book.full = False
    book.note(UNSIGNED)
    assert [details["times"] for _, details in book.rows()] == [2]
