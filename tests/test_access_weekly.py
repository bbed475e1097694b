"""When people may enter over some days, and what other rules change of that."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.holder import Holder, State
from agent.access.trial import trial
from agent.access.weekly import MOST_COMPARED, Days, Hours, Stretch, by_day, changes, without
from agent.rulebook.parse import open_rules, parse

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
WEEK = Days(MONDAY)
ANNA = Holder("anna", frozenset({"staff"}))
TEXT = """\
time_zone = "Europe/Berlin"
[schedules.office]
mon-fri = ["07:00-12:00", "12:00-19:00"]
holiday = []
[schedules.night]
daily = ["22:00-06:00"]
[[days]]
name = "feast"
date = "2026-11-25"
[[grants]]
groups = ["staff"]
doors = ["front"]
schedule = "office"
[[grants]]
groups = ["guards"]
doors = ["*"]
schedule = "night"
[doors.front]
[doors.back]
"""


def rules(text=TEXT):
    return parse(text, version=1)


def week(holder, door, days=WEEK, made=None):
    made = made or rules()
    return by_day(Hours(made, days).of(holder, door), days, made.zone)


class TestHours:
    def test_periods_that_meet_are_one_and_special_days_count(self):
        day = [("07:00", "19:00")]
        assert week(ANNA, "front") == [day, day, [], day, day, [], []]
        assert week(ANNA, "back") == [[]] * 7

    def test_a_night_is_seen_on_both_its_days(self):
        assert week(Holder("g", frozenset({"guards"})), "back") == [[("00:00", "06:00"), ("22:00", "24:00")]] * 7

    def test_groups_add_up(self):
        both = Holder("b", frozenset({"guards", "staff"}))
        assert week(both, "front")[0] == [("00:00", "06:00"), ("07:00", "19:00"), ("22:00", "24:00")]

    def test_nobody_enters_before_or_after_being_valid_or_when_suspended(self):
        noon = datetime(2026, 11, 24, 12, tzinfo=ZONE).astimezone(UTC)
        assert week(replace(ANNA, valid_from=noon), "front")[:2] == [[], [("12:00", "19:00")]]
        assert week(replace(ANNA, valid_to=noon), "front")[:2] == [[("07:00", "19:00")], [("07:00", "12:00")]]
        assert week(replace(ANNA, state=State.SUSPENDED), "front") == [[]] * 7

    def test_without_rules_everybody_may(self):
        assert week(ANNA, "x", made=open_rules(ZONE)) == [[("00:00", "24:00")]] * 7

    def test_the_day_on_which_clocks_are_set_back_has_its_hours(self):
        guard, days = Holder("g", frozenset({"guards"})), Days(date(2026, 10, 25), 1)
        found = Hours(rules(), days).of(guard, "back")
        assert found[0].ends_at - found[0].starts_at == timedelta(hours=7)

    @given(st.integers(0, 14 * 96), st.sampled_from(["staff", "guards", "none"]), st.sampled_from(["front", "back"]))
    @settings(max_examples=200, deadline=None)
    def test_it_says_what_is_said_of_each_moment(self, quarter, group, door):
        days = Days(date(2026, 10, 19), 14)  # clocks are set back on the 25th
        at = days.whole(ZONE).starts_at + quarter * timedelta(minutes=15)
        if at >= days.whole(ZONE).ends_at:
            return
        holder = Holder("p", frozenset({group}))
        inside = any(one.starts_at <= at < one.ends_at for one in Hours(rules(), days).of(holder, door))
        assert inside == (trial(rules(), holder, door, at).reason is None)


class TestChanges:
    def test_the_same_rules_change_nothing(self):
        assert changes(rules(), rules(), {"anna": ANNA}, ["front", "back"], WEEK) == ([], 0)

    def test_who_gains_and_who_loses(self):
        after = rules(TEXT.replace("mon-fri =", "tue-sat ="))
        people = {"anna": ANNA, "ben": replace(ANNA, id="ben"), "gone": replace(ANNA, id="gone", state=State.LEFT)}
        told, left = changes(rules(), after, people, ["front", "back"], WEEK)
        assert left == 0
        assert [(one.door, one.gained, one.people, f"{one.stretch.starts_at:%a}") for one in told] == [
            ("front", False, ("anna", "ben"), "Mon"),
            ("front", True, ("anna", "ben"), "Sat"),
        ]

    def test_an_hour_less_is_an_hour(self):
        told, _ = changes(rules(), rules(TEXT.replace("19:00", "18:00")), {"anna": ANNA}, ["front"], WEEK)
        assert {one.stretch.ends_at - one.stretch.starts_at for one in told} == {timedelta(hours=1)}
        assert len(told) == 4  # not on the feast

    def test_what_is_not_looked_at_is_counted(self):
        people = {f"p{number}": Holder(f"p{number}", frozenset({f"g{number}"})) for number in range(3)}
        doors = [str(number) for number in range(MOST_COMPARED // 2)]
        small = rules(TEXT)
        _, left = changes(small, small, people, doors, Days(MONDAY, 1))
        assert left == 1


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(2, 4)], [(0, 2), (4, 10)]),
        ([(0, 4), (6, 12)], [(4, 6)]),
        ([(12, 14)], [(0, 10)]),
        ([(1, 2), (3, 4)], [(0, 1), (2, 3), (4, 10)]),
    ],
    ids=str,
)
def test_what_is_left_of_a_stretch(others, left):
    def at(pairs):
        start = datetime(2026, 11, 23, tzinfo=UTC)
        return tuple(Stretch(start + timedelta(hours=one), start + timedelta(hours=two)) for one, two in pairs)

    assert without(at([(0, 10)]), at(others)) == at(left)
