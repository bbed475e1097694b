"""Timesheets: days, breaks, rounding, overtime, plans, and whatever is missing."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.access.schedule import Span
from agent.attendance.plan import Employee
from agent.attendance.punch import Clock
from agent.attendance.rules import Deduction, PunchType, Rounding, TypeBy
from agent.attendance.sheet import Flag
from agent.attendance.timesheet import timesheets, window
from tests.fakes.timeclock import BERLIN, Days, period, punch, punches, shift, site, wall

STAFF = {"anna": Employee(frozenset({"staff"}))}
LATER = wall("2027-01-01 00:00")
MONDAY, FRIDAY, SUNDAY = date(2026, 11, 2), date(2026, 11, 6), date(2026, 11, 8)


def hours(text):
    whole, minutes = text.split(":")
    return int(whole) * 3600 + int(minutes) * 60


def sheet(text, rules=None, first=MONDAY, last=SUNDAY, at=LATER, **more):
    """Anna's days, by ISO day."""
    made = punches(text) if isinstance(text, str) else text
    people = more.pop("people", STAFF)
    (found,) = timesheets(made, rules or site(), first, last, people=people, at=at, **more)
    return {day.day.isoformat(): day for day in found.days}


def monday(text, rules=None, **more):
    return sheet("2026-11-02: " + text, rules, **more)["2026-11-02"]


@pytest.mark.parametrize(("at", "flag"), [(LATER, Flag.MISSING_OUT), (wall("2026-11-02 18:00"), Flag.OPEN)])
def test_who_came_in_the_evening_and_has_not_gone_is_not_of_the_next_morning(at, flag):
    days = sheet("2026-11-02: in 17:00", site(**shift("08:00-16:30")), at=at)
    assert flag in days["2026-11-02"].flags
    assert days["2026-11-03"].punches == ()


def test_who_came_just_before_midnight_for_the_day_after_is_of_that():
    days = sheet("2026-11-02: in 23:55", site(**shift("00:00-08:00")))
    assert days["2026-11-03"].flags == (Flag.MISSING_OUT,)


class TestWorkedTime:
    @pytest.mark.parametrize(
        ("text", "rules", "worked", "breaks", "deducted"),
        [
            pytest.param("in 08:00 out 17:00", {}, "9:00", "0:00", "0:00", id="from in to out"),
            pytest.param("in 08:00 out 12:00 in 13:00 out 17:00", {}, "8:00", "0:00", "0:00", id="twice a day"),
            pytest.param("in 08:00 ( 12:00 ) 12:30 out 17:00", {}, "8:30", "0:30", "0:00", id="a break is not paid"),
            pytest.param(
                "in 08:00 ( 12:00 ) 12:30 out 17:00", {"breaks_paid": True}, "9:00", "0:30", "0:00", id="or is"
            ),
            pytest.param(
                "in 08:00 ( 10:00 ) 10:15 ( 12:00 ) 12:30 out 17:00", {}, "8:15", "0:45", "0:00", id="two breaks"
            ),
            pytest.param("in 22:00 out 06:00+1", {}, "8:00", "0:00", "0:00", id="a night counts where it begins"),
            pytest.param("in 08:00 in 08:00:20 out 17:00", {}, "8:59", "0:00", "0:00", id="the later in counts"),
        ],
    )
    def test_a_day(self, text, rules, worked, breaks, deducted):
        day = monday(text, site(**rules))
        found = (day.worked_seconds // 60 * 60, day.break_seconds, day.deducted_seconds)
        assert found == (hours(worked), hours(breaks), hours(deducted))

    def test_seconds_count_and_fractions_of_them_do_not(self):
        made = punches("2026-11-02: in 08:00:01.9 out 17:00:00.1")
        assert sheet(made)["2026-11-02"].worked_seconds == hours("9:00") - 1

    def test_repeats_are_shown_and_not_counted(self):
        made = punches("2026-11-02: in 08:00 out 17:00")
        again = punch("out", wall("2026-11-02 17:00:30"), repeat=True)
        day = sheet([*made, again])["2026-11-02"]
        assert (day.worked_seconds, [each.repeat for each in day.punches]) == (hours("9:00"), [False, False, True])

    def test_first_and_last_of_the_day(self):
        made = punches("2026-11-02: in 08:00 out 12:00 out 13:00 out 17:00", by=TypeBy.FIRST_LAST)
        day = sheet(made)["2026-11-02"]
        assert (day.worked_seconds, day.flags) == (hours("9:00"), ())

    def test_the_day_may_begin_in_the_morning(self):
        found = sheet("2026-11-03: in 01:00 out 03:00", site(day_starts=time(4)))
        assert found["2026-11-02"].worked_seconds == hours("2:00")

    def test_jobs_are_told_apart_and_one_ends_where_the_other_begins(self):
        made = [
            punch("in", wall("2026-11-02 08:00"), job="J7"),
            punch("in", wall("2026-11-02 11:00"), job="J8"),
            *punches("2026-11-02: ( 12:00 ) 12:30 out 14:00"),
        ]
        day = sheet(made)["2026-11-02"]
        assert (day.jobs, day.flags) == ({"J7": hours("3:00"), "J8": hours("2:30")}, ())
        assert day.worked_seconds == hours("5:30")


LAW = (Deduction(6 * 60, 30), Deduction(9 * 60, 45))  # Arbeitszeitgesetz, section 4


class TestDeductions:
    @pytest.mark.parametrize(
        ("text", "worked", "deducted"),
        [
            pytest.param("in 08:00 out 14:00", "6:00", "0:00", id="six hours need none"),
            pytest.param("in 08:00 out 14:10", "6:00", "0:10", id="a little more is not paid less than six"),
            pytest.param("in 08:00 out 14:30", "6:00", "0:30", id="until the break is whole"),
            pytest.param("in 08:00 out 17:00", "8:30", "0:30", id="half an hour"),
            pytest.param("in 08:00 out 17:40", "9:00", "0:40", id="on the way to the second step"),
            pytest.param("in 08:00 out 18:00", "9:15", "0:45", id="beyond it"),
            pytest.param("in 08:00 ( 12:00 ) 12:20 out 17:00", "8:30", "0:10", id="what was punched counts"),
            pytest.param("in 08:00 ( 12:00 ) 13:00 out 17:00", "8:00", "0:00", id="enough was punched"),
            pytest.param("in 08:00 out 12:00 in 12:30 out 17:00", "8:30", "0:00", id="to be out is a break too"),
        ],
    )
    def test_by_law(self, text, worked, deducted):
        day = monday(text, site(deductions=LAW))
        assert (day.worked_seconds, day.deducted_seconds) == (hours(worked), hours(deducted))

    def test_who_is_here_longer_is_never_paid_less(self):
        rules, before = site(deductions=LAW, **shift("08:00-17:00", break_minutes=60)), 0
        for minutes in range(0, 11 * 60, 7):
            out = wall("2026-11-02 08:00") + timedelta(minutes=minutes)
            made = [punch("in", wall("2026-11-02 08:00")), punch("out", out)]
            worked = sheet(made, rules)["2026-11-02"].worked_seconds
            assert worked >= before
            before = worked
        assert before == hours("9:58")

    def test_the_break_of_the_shift_where_none_was_punched(self):
        rules = site(**shift("08:00-17:00", break_minutes=60))
        assert monday("in 08:00 out 17:00", rules).worked_seconds == hours("8:00")
        assert monday("in 08:00 ( 12:00 ) 12:10 out 17:00", rules).worked_seconds == hours("8:50")
        assert monday("in 08:00 out 10:00", rules).deducted_seconds == 0
        assert monday("in 08:00 out 10:00", rules).planned_seconds == hours("8:00")

    def test_both_are_the_same_break(self):
        rules = site(deductions=LAW, **shift("08:00-17:00", break_minutes=60))
        assert monday("in 08:00 out 17:00", rules).deducted_seconds == hours("1:00")


class TestRounding:
    @pytest.mark.parametrize(
        ("direction", "at", "want"),
        [
            ("up", "08:01", "08:15"),
            ("up", "08:15", "08:15"),
            ("down", "08:14:59", "08:00"),
            ("nearest", "08:07:29", "08:00"),
            ("nearest", "08:07:30", "08:15"),
            ("up", "23:59", "00:00"),
        ],
    )
    def test_on_the_clock_on_the_wall(self, direction, at, want):
        rules = site(longest_hours=24, rounding={PunchType.IN: Rounding(15, direction)})
        day = monday(f"in {at} out 05:00+1", rules)
        assert f"{day.stays[0].starts_at.astimezone(BERLIN):%H:%M}" == want

    def test_before_pairing_and_never_below_nothing(self):
        rules = site(rounding={PunchType.IN: Rounding(15, "up"), PunchType.OUT: Rounding(15, "down")})
        assert monday("in 08:01 out 08:14", rules).worked_seconds == 0
        assert monday("in 08:01 out 17:14", rules).worked_seconds == hours("8:45")

    @pytest.mark.parametrize(
        ("text", "worked", "breaks"),
        [
            pytest.param("in 07:00 out 11:05 in 11:08 out 15:00", "8:00", "0:00", id="gone for three minutes"),
            pytest.param("in 07:00 out 11:02 in 11:03 out 11:04 in 11:05 out 15:00", "8:00", "0:00", id="twice"),
            pytest.param("in 07:00 ( 11:02 ) 11:03 ( 11:04 ) 11:05 out 15:00", "7:45", "0:15", id="two short breaks"),
        ],
    )
    def test_no_time_counts_twice_where_it_is_rounded_to_both_sides(self, text, worked, breaks):
        """As `in` down and `out` up: for the employee."""
        down, up = (Rounding(15, each) for each in ("down", "up"))
        each = {PunchType.IN: down, PunchType.OUT: up, PunchType.BREAK_START: down, PunchType.BREAK_END: up}
        day = monday(text, site(rounding=each))
        assert (day.worked_seconds, day.break_seconds) == (hours(worked), hours(breaks))


class TestOvertime:
    WEEK = "\n".join(f"2026-11-{day:02}: in 08:00 out {out}" for day, out in enumerate(("18:00", "16:00") * 3, 2))

    def test_of_the_day(self):
        found = sheet(self.WEEK, site(overtime_daily_minutes=9 * 60))
        assert [day.overtime_seconds // 3600 for day in found.values()] == [1, 0, 1, 0, 1, 0, 0]

    def test_of_the_week_on_the_days_on_which_it_arises(self):
        found = sheet(self.WEEK, site(overtime_weekly_minutes=40 * 60))
        assert [day.overtime_seconds // 3600 for day in found.values()] == [0, 0, 0, 0, 6, 8, 0]

    def test_no_hour_is_counted_twice(self):
        found = sheet(self.WEEK, site(overtime_daily_minutes=8 * 60, overtime_weekly_minutes=40 * 60))
        assert [day.overtime_seconds // 3600 for day in found.values()] == [2, 0, 2, 0, 2, 8, 0]

    def test_a_week_begins_before_the_month(self):
        """Monday 26 October to Sunday 1 November 2026: the hours of October use up the week."""
        text = (
            "\n".join(f"2026-10-{day}: in 08:00 out 18:00" for day in range(26, 31))
            + "\n2026-11-01: in 08:00 out 10:00"
        )
        found = sheet(text, site(overtime_weekly_minutes=50 * 60), first=date(2026, 11, 1))
        assert next(iter(found)) == "2026-11-01"
        assert found["2026-11-01"].overtime_seconds == hours("2:00")


class TestPlans:
    @pytest.mark.parametrize(
        ("text", "flags", "late", "early"),
        [
            pytest.param("in 08:00 out 17:00", (), "0:00", "0:00", id="in time"),
            pytest.param("in 08:05 out 16:55", (), "0:00", "0:00", id="as late and early as allowed"),
            pytest.param("in 08:06 out 17:00", (Flag.LATE,), "0:06", "0:00", id="late by all of it"),
            pytest.param("in 08:00 out 16:00", (Flag.EARLY,), "0:00", "1:00", id="early"),
            pytest.param("in 18:00 out 19:00", (Flag.ABSENT,), "0:00", "0:00", id="at another time"),
            pytest.param("in 08:00", (Flag.MISSING_OUT,), "0:00", "0:00", id="who did not go is not absent"),
        ],
    )
    def test_late_and_early(self, text, flags, late, early):
        day = monday(text, site(**shift("08:00-17:00", late_minutes=5, early_minutes=5)))
        assert (day.flags, day.late_seconds, day.early_seconds) == (flags, hours(late), hours(early))

    def test_who_does_not_come_is_absent_once_the_day_is_over(self):
        rules = site(**shift("08:00-17:00"))
        found = sheet("", rules, last=FRIDAY, at=wall("2026-11-04 16:59"))
        assert [day.flags for day in found.values()] == [(Flag.ABSENT,), (Flag.ABSENT,), (), (), ()]
        assert [day.balance_seconds for day in found.values()] == [-hours("9:00")] * 2 + [0] * 3

    def test_nobody_is_absent_before_or_after_the_time_here(self):
        people = {"anna": Employee(frozenset({"staff"}), wall("2026-11-03 09:00"), wall("2026-11-05 12:00"))}
        found = sheet("", site(**shift("08:00-17:00")), people=people)
        assert [day for day in found if Flag.ABSENT in found[day].flags] == ["2026-11-04", "2026-11-05"]

    def test_a_day_without_a_plan(self):
        found = sheet("2026-11-07: in 08:00 out 12:00", site(**shift("08:00-17:00")))
        day = found["2026-11-07"]
        assert (day.flags, day.planned_seconds, day.balance_seconds) == ((Flag.UNPLANNED,), 0, hours("4:00"))

    def test_a_holiday(self):
        calendar = Days(d2026_11_03="holiday", d2026_11_04="bridge")
        rules = site(
            calendar=calendar, **shift("08:00-17:00", special={"holiday": (), "bridge": (period("08:00-12:00"),)})
        )
        made = punches("2026-11-03: in 10:00 out 12:00\n2026-11-04: in 08:00 out 12:00")
        (found,) = timesheets(made, rules, MONDAY, SUNDAY, people=STAFF, at=LATER)
        holiday, bridge = found.days[1:3]
        assert (holiday.kind, holiday.planned_seconds, holiday.flags) == ("holiday", 0, (Flag.UNPLANNED,))
        assert (bridge.kind, bridge.planned_seconds, bridge.flags) == ("bridge", hours("4:00"), ())
        assert found.special == {"bridge": hours("4:00"), "holiday": hours("2:00")}

    def test_a_roster_goes_before_the_shift(self):
        rota = [Span(wall("2026-11-02 14:00"), wall("2026-11-02 22:00"), MONDAY)]
        rules = site(**shift("08:00-17:00"))
        found = sheet("2026-11-02: in 14:10 out 22:00", rules, rosters={"anna": rota}, last=date(2026, 11, 3))
        assert found["2026-11-02"].late_seconds == hours("0:10")
        assert found["2026-11-02"].planned_seconds == hours("8:00")
        assert found["2026-11-03"].flags == (Flag.ABSENT,)

    def test_who_comes_after_midnight_to_a_night_shift_is_late_on_its_day(self):
        found = sheet("2026-11-03: in 00:30 out 06:00", site(**shift("22:00-06:00", days="1000000")))
        assert found["2026-11-02"].late_seconds == hours("2:30")
        assert found["2026-11-03"].flags == ()

    def test_who_comes_before_midnight_to_an_early_shift_is_not_absent(self):
        found = sheet("2026-11-02: in 23:50 out 08:00+1", site(**shift("00:00-08:00", days="0100000")))
        assert found["2026-11-02"].punches == ()
        assert (found["2026-11-03"].flags, found["2026-11-03"].worked_seconds) == ((), hours("8:10"))

    def test_a_split_shift(self):
        rules = site(**shift("08:00-12:00", "14:00-18:00"))
        day = monday("in 08:00 out 12:00 in 14:00 out 18:00", rules)
        assert (day.flags, day.planned_seconds, day.balance_seconds) == ((), hours("8:00"), 0)


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("text", "flags", "worked"),
        [
            pytest.param("in 08:00", (Flag.MISSING_OUT,), "0:00", id="an out"),
            pytest.param("in 08:00 in 13:00 out 17:00", (Flag.MISSING_OUT,), "4:00", id="an out in between"),
            pytest.param("out 17:00", (Flag.MISSING_IN,), "0:00", id="an in"),
            pytest.param("( 12:00 ) 12:30", (Flag.MISSING_IN,), "0:00", id="an in before a break"),
            pytest.param("in 08:00 ) 12:30 out 17:00", (Flag.MISSING_BREAK_START,), "9:00", id="the start of a break"),
            pytest.param("in 08:00 ( 12:00 out 17:00", (Flag.MISSING_BREAK_END,), "4:00", id="the end of a break"),
            pytest.param(
                "in 08:00 ( 12:00 ( 13:00 ) 14:00 out 17:00", (Flag.MISSING_BREAK_END,), "7:00", id="of two breaks"
            ),
            pytest.param("in 05:00 out 22:00", (Flag.MISSING_OUT, Flag.MISSING_IN), "0:00", id="too long to be true"),
        ],
    )
    def test_is_told(self, text, flags, worked):
        day = monday(text)
        assert (day.flags, day.worked_seconds) == (flags, hours(worked))

    def test_who_is_still_here_is_counted_until_now(self):
        day = monday("in 08:00 ( 10:00 ) 10:30", at=wall("2026-11-02 12:00"))
        assert (day.flags, day.worked_seconds) == ((Flag.OPEN,), hours("3:30"))

    def test_clocks_and_corrections(self):
        made = punches("2026-11-02: in 08:00 out 17:00", clock=Clock.UNSYNCHRONISED)
        assert sheet(made)["2026-11-02"].flags == (Flag.UNSYNCHRONISED,)
        made = punches("2026-11-02: in 08:00 out 17:00", corrected="c")
        assert sheet(made)["2026-11-02"].flags == (Flag.CORRECTED,)


class TestWho:
    def test_by_person_who_has_punches_or_a_plan(self):
        made = punches("2026-11-02: in 08:00 out 17:00", "zoe") + punches("2026-11-02: in 08:00 out 17:00", "ben")
        people = {"anna": Employee(frozenset({"staff"})), "idle": Employee(frozenset({"guests"}))}
        found = timesheets(made, site(**shift("08:00-17:00")), MONDAY, SUNDAY, people=people, at=LATER)
        assert [(each.person, each.shift) for each in found] == [("anna", "day"), ("ben", None), ("zoe", None)]

    def test_a_window_holds_whole_weeks(self):
        begin, end = window(site(), date(2026, 12, 1), date(2026, 12, 31))
        assert begin < wall("2026-11-30 00:00")
        assert end > wall("2027-01-01 00:00") + timedelta(hours=16)


MINUTES = st.integers(0, 12 * 60)
RULES = st.fixed_dictionaries(
    {
        "breaks_paid": st.booleans(),
        "deductions": st.lists(st.builds(Deduction, MINUTES, st.integers(0, 90)), max_size=3).map(tuple),
        "rounding": st.dictionaries(
            st.sampled_from(PunchType),
            st.builds(Rounding, st.sampled_from([1, 5, 15, 60]), st.sampled_from(["up", "down", "nearest"])),
        ),
        "overtime_daily_minutes": st.none() | MINUTES,
        "overtime_weekly_minutes": st.none() | st.integers(0, 3000),
    }
)


@given(RULES, st.lists(st.tuples(st.integers(1, 20 * 60), st.sampled_from(["in", "out", "(", ")"])), max_size=30))
def test_whatever_the_rules_say_the_numbers_fit_together(rules, steps):
    at, made = wall("2026-10-19 05:00"), []  # the week in which summer time ends, and the next
    for minutes, kind in steps:
        at += timedelta(minutes=minutes)
        made.append(punch(kind, at))
    (found,) = timesheets(
        made,
        site(**rules, **shift("08:00-17:00", break_minutes=30)),
        date(2026, 10, 19),
        MONDAY,
        people=STAFF,
        at=LATER,
    )
    for day in found.days:
        present = sum(stay.seconds for stay in day.stays)
        for one, other in pairwise(day.stays):
            assert one.ends_at <= other.starts_at
        for stay in day.stays:
            assert stay.break_seconds <= stay.seconds
        assert 0 <= day.overtime_seconds <= day.worked_seconds <= present
        assert day.worked_seconds + day.deducted_seconds + day.break_seconds * (not rules["breaks_paid"]) == present
    weekly = rules["overtime_weekly_minutes"]
    if weekly is not None:
        for monday in (0, 7):
            week = found.days[monday : monday + 7]
            ordinary = sum(day.worked_seconds - day.overtime_seconds for day in week)
            assert ordinary <= weekly * 60
