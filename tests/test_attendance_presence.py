"""Who is in."""

from __future__ import annotations

import pytest

from agent.access.rules import DoorRules
from agent.attendance.presence import Passage, who_is_in
from tests.fakes.timeclock import punches, site, wall

NOON = wall("2026-11-02 12:00")


def passed(text):
    door, at = text.split(" ", 1)
    return Passage("anna", wall(f"2026-11-02 {at}"), door)


@pytest.mark.parametrize(
    ("text", "passages", "want"),
    [
        pytest.param("in 08:00", [], "08:00 punch", id="who came and has not gone"),
        pytest.param("in 08:00 out 11:00", [], None, id="not who has gone"),
        pytest.param("in 08:00 out 13:00", [], "08:00 punch", id="who goes later is still in"),
        pytest.param("in 08:00 ( 11:30", [], "08:00 punch break", id="who has a break"),
        pytest.param("in 08:00 out 09:00 in 10:00", [], "10:00 punch", id="since the last time"),
        pytest.param("", ["store 11:00"], "11:00 access", id="who was let in at a door"),
        pytest.param("in 08:00", ["store 11:00"], "08:00 access", id="seen last at another door"),
        pytest.param("in 08:00 out 11:00", ["store 11:30"], "11:30 access", id="back without a punch"),
        pytest.param("in 08:00 out 11:00", ["front 11:00"], None, id="not by the door that opens for the out"),
        pytest.param("in 08:00 out 11:00", ["front 11:00:30"], None, id="nor a little later"),
        pytest.param("in 08:00", ["exit 11:00"], None, id="not who went through a door that leads outside"),
        pytest.param("", ["exit 11:00", "store 11:30"], "11:30 access", id="but who came back"),
    ],
)
def test_what_happened_last_decides(text, passages, want):
    rules = site()
    rules = type(rules)(1, rules.calendar, zone=rules.zone, doors={"exit": DoorRules("exit", enters="")})
    found = who_is_in(punches(f"2026-11-02: {text}"), [passed(each) for each in passages], rules, NOON)
    told = [f"{each.since.astimezone(rules.zone):%H:%M} {each.by}{' break' if each.on_break else ''}" for each in found]
    assert told == ([want] if want else [])


def test_who_came_too_long_ago_has_gone_without_a_word():
    made = punches("2026-11-01: in 19:00") + punches("2026-11-01: in 21:00", "ben")
    assert [each.person for each in who_is_in(made, [], site(), NOON)] == ["ben"]


def test_by_person():
    made = punches("2026-11-02: in 08:00", "zoe") + punches("2026-11-02: in 09:00", "ben")
    assert [each.person for each in who_is_in(made, [], site(), NOON)] == ["ben", "zoe"]


def test_a_door_that_opens_for_a_repeat_says_nothing_either():
    gone = punches("2026-11-02: in 08:00 out 11:00")
    again = punches("2026-11-02: out 11:00:50 out 11:01:40", repeat=True)
    assert who_is_in(gone + again, [passed("front 11:01:40")], site(), NOON) == []
