"""In or out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attendance.classify import LOOK_BACK, classify, find_key
from agent.attendance.punch import Punch
from agent.attendance.rules import Key, PunchType, TypeBy
from tests.fakes.timeclock import punch, punches, site, utc, wall, week

IN, OUT, START, END = PunchType.IN, PunchType.OUT, PunchType.BREAK_START, PunchType.BREAK_END
KEYS = {"welding": Key("welding", IN, "J7"), "painting": Key("painting", IN, "J8"), "pause": Key("pause", START)}


def kind(text, at, key=None, **rules):
    return classify(site(keys=KEYS, **rules), "front", punches(text), wall(at), key)


@pytest.mark.parametrize(
    ("before", "at", "key", "rules", "want"),
    [
        pytest.param("", "2026-11-02 08:00", None, {}, (IN, TypeBy.TOGGLE), id="the first of all is in"),
        pytest.param("2026-11-02: in 08:00", "2026-11-02 17:00", None, {}, (OUT, TypeBy.TOGGLE), id="after in is out"),
        pytest.param("2026-11-02: in 08:00 out 12:00", "2026-11-02 13:00", None, {}, (IN, TypeBy.TOGGLE), id="then in"),
        pytest.param(
            "2026-11-02: in 08:00 ( 12:00", "2026-11-02 12:30", None, {}, (END, TypeBy.TOGGLE), id="a break ends first"
        ),
        pytest.param(
            "2026-11-02: in 08:00 ( 12:00 ) 12:30", "2026-11-02 17:00", None, {}, (OUT, TypeBy.TOGGLE), id="then out"
        ),
        pytest.param(
            "2026-11-02: in 22:00", "2026-11-03 06:00", None, {}, (OUT, TypeBy.TOGGLE), id="a night shift ends"
        ),
        pytest.param(
            "2026-11-02: in 08:00", "2026-11-03 08:00", None, {}, (IN, TypeBy.TOGGLE), id="an in of yesterday is over"
        ),
        pytest.param(
            "2026-11-02: in 08:00 ( 12:00 ) 12:30",
            "2026-11-03 01:00",
            None,
            {},
            (IN, TypeBy.TOGGLE),
            id="over counts from the in, not from the break",
        ),
        pytest.param(
            "2026-11-02: in 08:00", "2026-11-02 18:30", None, {"longest_hours": 10}, (IN, TypeBy.TOGGLE), id="or sooner"
        ),
        pytest.param("", "2026-11-02 08:00", "out", {}, (OUT, TypeBy.KEY), id="a key says it"),
        pytest.param("", "2026-11-02 08:00", "welding", {}, (IN, TypeBy.KEY), id="a named key too"),
        pytest.param(
            "2026-11-02: in 08:00", "2026-11-02 12:00", "pause", {}, (START, TypeBy.KEY), id="the key for breaks begins"
        ),
        pytest.param(
            "2026-11-02: in 08:00 ( 12:00", "2026-11-02 12:30", "pause", {}, (END, TypeBy.KEY), id="and ends one"
        ),
        pytest.param(
            "2026-11-02: in 08:00", "2026-11-02 17:00", "gone", {}, (OUT, TypeBy.TOGGLE), id="an unknown key is as none"
        ),
        pytest.param(
            "2026-11-02: in 08:00 out 12:00",
            "2026-11-02 17:00",
            None,
            {"type_by": TypeBy.FIRST_LAST},
            (OUT, TypeBy.FIRST_LAST),
            id="every one after the first of the day is out",
        ),
        pytest.param(
            "2026-11-02: in 22:00",
            "2026-11-03 06:00",
            None,
            {"type_by": TypeBy.FIRST_LAST},
            (IN, TypeBy.FIRST_LAST),
            id="the day begins at midnight",
        ),
        pytest.param(
            "2026-11-02: in 22:00",
            "2026-11-03 06:00",
            None,
            {"type_by": TypeBy.FIRST_LAST, "day_starts": wall("2026-11-02 12:00").time().replace(hour=12)},
            (OUT, TypeBy.FIRST_LAST),
            id="or where the rules say",
        ),
        pytest.param(
            "",
            "2026-11-02 08:00",
            "in",
            {"type_by": TypeBy.FIXED, "fixed": {"front": OUT}},
            (OUT, TypeBy.FIXED),
            id="a fixed terminal listens to no key",
        ),
        pytest.param(
            "", "2026-11-02 08:00", None, {"type_by": TypeBy.FIXED}, (IN, TypeBy.TOGGLE), id="fixed without a type"
        ),
        pytest.param(
            "2026-11-02: in 08:00",
            "2026-11-02 17:00",
            None,
            {"doors": {"front": TypeBy.FIXED}, "fixed": {"front": IN}},
            (IN, TypeBy.FIXED),
            id="each door has its way",
        ),
    ],
)
def test_a_punch_gets_its_type(before, at, key, rules, want):
    found = kind(before, at, key, **rules)
    assert ((found.type, found.by), found.repeat) == (want, False)


@pytest.mark.parametrize(
    ("at", "want"),
    [("07:59", (OUT, TypeBy.TOGGLE)), ("08:00", (IN, TypeBy.SCHEDULE)), ("16:00", (OUT, TypeBy.SCHEDULE))],
)
def test_by_schedule_and_by_the_last_one_outside_all(at, want):
    schedules = {"morning": week("08:00-12:00", name="morning"), "evening": week("15:00-20:00", name="evening")}
    rules = site(schedules=schedules, type_by=TypeBy.SCHEDULE, by_schedule=(("morning", IN), ("evening", OUT)))
    found = classify(rules, "front", punches("2026-11-02: in 05:00"), wall(f"2026-11-02 {at}"))
    assert (found.type, found.by) == want


class TestRepeats:
    @pytest.mark.parametrize(
        ("key", "before", "seconds", "repeat"),
        [
            pytest.param(None, {}, 59, True, id="within the window"),
            pytest.param(None, {}, 60, False, id="after it"),
            pytest.param("in", {}, 5, True, id="the same by a key"),
            pytest.param("out", {}, 5, False, id="another type by a key"),
            pytest.param("painting", {"job": "J7"}, 5, False, id="another job"),
            pytest.param("welding", {"job": "J7"}, 5, True, id="the same job"),
            pytest.param("pause", {"type": END, "key": "pause"}, 5, True, id="the same key, though it would toggle"),
        ],
    )
    def test_a_punch_soon_after_another_is_the_same(self, key, before, seconds, repeat):
        first = replace(punch("in", utc("2026-11-02 07:00")), **before)
        found = classify(site(keys=KEYS), "front", [first], first.at + timedelta(seconds=seconds), key)
        assert found.repeat is repeat
        if repeat:
            assert (found.type, found.job) == (first.type, first.job)

    def test_it_is_repeated_as_long_as_somebody_stands_there(self):
        rules, last = site(), [punch("in", utc("2026-11-02 07:00"))]
        for _ in range(20):
            at = last[-1].at + timedelta(seconds=45)
            found = classify(rules, "front", last, at)
            last.append(punch("in", at, type=found.type, repeat=found.repeat))
        assert [each.repeat for each in last] == [False] + [True] * 20
        after = classify(rules, "front", last, last[-1].at + timedelta(seconds=60))
        assert (after.type, after.repeat) == (OUT, False)

    def test_a_fixed_terminal_is_sure(self):
        rules = site(type_by=TypeBy.FIXED, fixed={"way-in": IN, "way-out": OUT})
        last = [punch("in", utc("2026-11-02 07:00"))]
        soon = utc("2026-11-02 07:00:20")
        assert classify(rules, "way-in", last, soon).repeat
        assert not classify(rules, "way-out", last, soon).repeat

    def test_what_lies_in_the_future_is_not_looked_at(self):
        assert kind("2026-11-03: in 08:00", "2026-11-02 08:00").type is IN


def test_keys_have_jobs():
    assert kind("", "2026-11-02 08:00", "welding").job == "J7"
    assert find_key(site().attendance, "break_end") == Key("break_end", END)
    assert find_key(site().attendance, "nothing") is None


@given(st.lists(st.integers(1, 40 * 60), min_size=1, max_size=20), st.sampled_from([TypeBy.TOGGLE, TypeBy.FIRST_LAST]))
def test_what_lies_before_the_look_back_changes_nothing(minutes, way):
    rules, at, last = site(type_by=way), utc("2026-11-02 00:00"), []
    for number, each in enumerate(minutes):
        at += timedelta(minutes=each)
        found = classify(rules, "front", last, at)
        recent = [punch for punch in last if at - punch.at <= LOOK_BACK]
        assert classify(rules, "front", recent, at) == found
        last.append(Punch(f"{number:04}", "anna", at, found.type, by=found.by, repeat=found.repeat))
