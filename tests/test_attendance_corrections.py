"""Corrections: the original stays, and what counts is what was said last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attendance.corrections import apply, misses, retime
from agent.attendance.punch import Clock, Correction
from agent.attendance.rules import PunchType
from tests.fakes.timeclock import punch, utc

NINE = utc("2026-11-02 09:00")
TEN = utc("2026-11-02 10:00")
_numbers = count(1)


def correct(names, **what):
    return Correction(what.pop("id", f"c{next(_numbers)}"), names, "anna", "boss", "forgot", made_at=TEN, **what)


@pytest.fixture
def came():
    return punch("in", NINE)


def test_without_corrections_punches_stay_as_they_are(came):
    assert apply([came], []) == [came]


def test_a_punch_gets_another_time_type_and_job(came):
    (found,) = apply([came], [correct(came.id, id="c", at=TEN, type=PunchType.OUT, job="J7")])
    assert (found.at, found.type, found.job, found.corrected, found.by) == (TEN, PunchType.OUT, "J7", "c", None)
    assert came.at == NINE


def test_a_job_can_be_taken_away(came):
    (found,) = apply([came], [correct(came.id, job="J7"), correct(came.id, job="")])
    assert found.job is None


def test_the_last_word_counts_for_each_thing_said(came):
    (found,) = apply([came], [correct(came.id, at=TEN, type=PunchType.OUT), correct(came.id, at=NINE)])
    assert (found.at, found.type) == (NINE, PunchType.OUT)


def test_a_void_punch_does_not_count_whatever_else_is_said(came):
    assert apply([came], [correct(came.id, void=True), correct(came.id, at=TEN)]) == []


def test_a_missing_punch_is_added(came):
    added = correct(None, id="c", at=TEN, type=PunchType.OUT)
    found = apply([came], [added])
    assert [(each.id, each.at, each.type) for each in found] == [
        (came.id, NINE, PunchType.IN),
        ("c", TEN, PunchType.OUT),
    ]


def test_an_added_punch_can_be_corrected_and_taken_back():
    added = correct(None, id="c", at=TEN, type=PunchType.OUT)
    (moved,) = apply([], [added, correct("c", id="d", at=NINE)])
    assert (moved.id, moved.at, moved.corrected) == ("c", NINE, "d")
    assert apply([], [added, correct("c", void=True)]) == []


def test_a_correction_can_be_withdrawn_and_the_withdrawal_too(came):
    wrong = correct(came.id, id="c", at=TEN)
    undo = correct("c", id="d", void=True)
    assert apply([came], [wrong, undo]) == [came]
    (found,) = apply([came], [wrong, undo, correct("d", void=True)])
    assert found.at == TEN


def test_a_correction_can_be_corrected(came):
    (found,) = apply([came], [correct(came.id, id="c", at=NINE, type=PunchType.OUT), correct("c", at=TEN)])
    assert (found.at, found.type) == (TEN, PunchType.OUT)


def test_what_was_void_by_mistake_counts_again(came):
    assert apply([came], [correct(came.id, id="c", void=True), correct("c", void=True)]) == [came]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["void", "at", "type"])), max_size=8))
def test_withdrawing_everything_leaves_the_original(said):
    """Whatever corrects whatever: made void last of all, what was said of the punch itself leaves no trace."""
    original = punch("in", NINE)
    made = []
    for number, (names, what) in enumerate(said):
        target = original.id if names >= number else f"h{names}"
        value = {"void": True} if what == "void" else {"at": TEN} if what == "at" else {"type": PunchType.OUT}
        made.append(correct(target, id=f"h{number}", **value))
    of_punch = [each for each in made if each.punch == original.id]
    undone = [correct(each.id, void=True) for each in of_punch]
    assert apply([original], made + undone) == [original]


@pytest.mark.parametrize(
    ("correction", "lacks"),
    [
        (correct(None, type=PunchType.IN), "needs a time and a type"),
        (correct(None, at=NINE), "needs a time and a type"),
        (correct("p", void=True, at=NINE), "has no time"),
        (correct("p"), "say what is right"),
        (Correction("c", "p", "anna", "boss", " ", TEN, void=True), "say why"),
    ],
)
def test_a_correction_that_makes_no_sense(correction, lacks):
    assert lacks in misses(correction)


def test_one_that_does():
    assert misses(correct("p", void=True)) is misses(correct(None, at=NINE, type=PunchType.IN)) is None


class TestRetiming:
    """The device came up in 1970, or where its clock had stopped, at uptime 0; the right time came at uptime 5000."""

    def made(self, uptime, boot="b1", clock=Clock.UNSYNCHRONISED):
        wrong = utc("2026-11-01 00:00") + timedelta(seconds=uptime)
        return punch("in", wrong, boot_id=boot, uptime=uptime, clock=clock)

    def test_by_the_seconds_since_the_start(self):
        first, second = self.made(100.0), self.made(4000.5)
        corrections = retime([first, second], [], "b1", at=TEN, uptime=5000.0)
        found = apply([first, second], corrections)
        assert [each.at for each in found] == [TEN - timedelta(seconds=4900), TEN - timedelta(seconds=999.5)]
        assert {each.clock for each in found} == {Clock.SYNCHRONISED}
        assert corrections[0].why == "the clock was not set: it said 2026-11-01T00:01:40+00:00"
        assert found[0].id == first.id

    @pytest.mark.parametrize(
        "change",
        [{"boot": "b0"}, {"clock": Clock.RTC}, {"clock": Clock.SYNCHRONISED}, {"clock": Clock.UNKNOWN}],
    )
    def test_only_what_was_punched_since_this_start_with_a_clock_that_was_not_set(self, change):
        assert retime([self.made(100.0, **change)], [], "b1", at=TEN, uptime=5000.0) == []

    def test_a_clock_that_was_right_by_chance_needs_nothing(self):
        right = punch("in", TEN - timedelta(seconds=4900.5), boot_id="b1", uptime=100.0, clock=Clock.UNSYNCHRONISED)
        assert retime([right], [], "b1", at=TEN, uptime=5000.0) == []

    def test_what_somebody_has_corrected_stays(self):
        first, second, third = (self.made(uptime) for uptime in (1.0, 2.0, 3.0))
        by_hand = [
            correct(first.id, at=NINE),
            correct(second.id, void=True),
            correct(third.id, type=PunchType.OUT),
        ]
        found = retime([first, second, third], by_hand, "b1", at=TEN, uptime=5000.0)
        assert [each.punch for each in found] == [third.id]
        assert retime([first, second, third], by_hand + found, "b1", at=TEN, uptime=6000.0) == []

    def test_a_repeat_of_before_the_start_counts_and_one_after_it_does_not(self):
        """After a power cut the clock seems to go on where it stopped: the first punch only seems to be a repeat."""
        first, again = (replace(self.made(seconds), repeat=True) for seconds in (100.0, 110.0))
        counted = apply([first, again], retime([first, again], [], "b1", at=TEN, uptime=5000.0))
        assert [(each.repeat, each.type) for each in counted] == [(False, first.type), (True, again.type)]
