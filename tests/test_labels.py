"""What events say of a person beside the id."""

import pytest

from agent.config.people import Events
from agent.labels import Labels, load_labels
from agent.store import members
from agent.store.db import open_db
from agent.store.holders import load_register
from tests.fakes.registers import add


@pytest.fixture
def labels(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        add(db, "anna", name="Anna")
        add(db, "ben", name="Ben")
        members.update(db, "anna", {"badge": "0815"})
        yield lambda **told: load_labels(db, Events(**told), load_register(db))


@pytest.mark.parametrize(
    ("told", "anna", "ben", "nobody"),
    [
        ({}, {"badge": "0815"}, {"badge": None}, {"badge": None}),
        (
            {"name": True},
            {"badge": "0815", "name": "Anna"},
            {"badge": None, "name": "Ben"},
            {"badge": None, "name": None},
        ),
        ({"badge": False, "name": True}, {"name": "Anna"}, {"name": "Ben"}, {"name": None}),
        ({"badge": False}, {}, {}, {}),
    ],
    ids=["the badge number alone unless asked", "both", "the name alone", "nothing"],
)
def test_only_what_the_operator_wants_is_told(labels, told, anna, ben, nobody):
    looked_up = labels(**told)
    assert [looked_up.of(person) for person in ("anna", "ben", "zoe", None)] == [anna, ben, nobody, nobody]


def test_names_are_not_even_read_where_they_are_not_told(labels):
    assert labels().names == {}


def test_nothing_is_known_at_first():
    assert Labels(Events()).of("anna") == {"badge": None}
