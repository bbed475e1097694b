"""Who may where, one place of the matrix at a time, against a matrix of sets."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent.rulebook.edits import Edits, edited
from agent.rulebook.granting import granted

TEXT = """\
time_zone = "UTC"
[schedules.day]
[schedules.night]
[doors.front]
[doors.back]

# Who
[[grants]]   # most of us
groups = ["staff", "guests"]
doors = ["front", "back"]
schedule = "day"

[[grants]]
groups = ["guards"]
doors = ["*"]
"""
GROUPS, DOORS, SCHEDULES = ("staff", "guests", "guards", "*"), ("front", "back", "*"), ("day", "night", "always")


def change(text, group, door, *schedules):
    edit = {"edit": "grant", "group": group, "door": door, "schedules": [*schedules]}
    return edited(text, TypeAdapter(Edits).validate_python([edit], strict=True))[0]


def matrix(text):
    book = tomllib.loads(text)
    return {(group, door): {*granted(book, group, door)} for group in GROUPS for door in DOORS}


def grants(text):
    return tomllib.loads(text).get("grants", [])


class TestOnePlace:
    def test_what_is_so_already_changes_nothing(self):
        assert change(TEXT, "staff", "front", "day") == TEXT
        assert change(TEXT, "guards", "*", "always") == TEXT
        assert change(TEXT, "staff", "*") == TEXT

    def test_a_group_with_one_grant_gets_one_more_door(self):
        text = change(TEXT, "guards", "front", "always")
        assert grants(text)[1] == {"groups": ["guards"], "doors": ["*", "front"]}

    def test_or_a_grant_of_its_own(self):
        text = change(TEXT, "guards", "back", "night")
        assert grants(text)[2] == {"groups": ["guards"], "doors": ["back"], "schedule": "night"}

    def test_taking_one_door_of_several_leaves_the_others(self):
        text = change(TEXT, "staff", "front")
        assert grants(text)[:2] == [
            {"groups": ["guests"], "doors": ["front", "back"], "schedule": "day"},
            {"groups": ["staff"], "doors": ["back"], "schedule": "day"},
        ]
        assert "# Who" in text
        assert "# most of us" in text

    def test_a_grant_of_nothing_is_gone(self):
        assert len(grants(change(TEXT, "guards", "*"))) == 1

    def test_several_schedules_at_one_place(self):
        assert matrix(change(TEXT, "staff", "front", "night", "day"))["staff", "front"] == {"day", "night"}


PLACES = st.tuples(st.sampled_from(GROUPS), st.sampled_from(DOORS), st.sets(st.sampled_from(SCHEDULES)))


@given(st.lists(PLACES, min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_no_other_place_changes(places):
    text, wanted = TEXT, matrix(TEXT)
    for group, door, schedules in places:
        text = change(text, group, door, *sorted(schedules))
        wanted[group, door] = schedules
        assert matrix(text) == wanted


@pytest.mark.parametrize("schedule", ["never", ""])
def test_a_schedule_that_is_not_there(schedule):
    with pytest.raises(ValueError, match="there is no schedule"):
        change(TEXT, "staff", "front", schedule)
