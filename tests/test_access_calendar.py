"""Special days, against calendars that are printed."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.calendar import EARLIEST_EASTER, LATEST_EASTER, ByEaster, Once, SpecialDay, SpecialDays, Yearly
from agent.access.recurrence import by_rule

PARTS = ["BYDAY=MO", "BYDAY=5FR,-1SU", "BYMONTH=2", "BYMONTHDAY=-31", "BYMONTHDAY=30", "BYSETPOS=3", "BYWEEKNO=53"]
PARTS += ["COUNT=2", "BYYEARDAY=366", "INTERVAL=7", "UNTIL=20271231", "WKST=SU", "X=1", "BYDAY=", ";"]


def days(when, year):
    return sorted(when.days(year))


class TestOnce:
    def test_a_span_over_new_year_is_in_both_years(self):
        closed = Once(date(2026, 12, 30), date(2027, 1, 2))
        assert days(closed, 2026) == [date(2026, 12, 30), date(2026, 12, 31)]
        assert days(closed, 2027) == [date(2027, 1, 1), date(2027, 1, 2)]
        assert days(closed, 2025) == days(closed, 2028) == []

    def test_a_span_of_years_fills_the_year_between(self):
        assert len(days(Once(date(2025, 5, 1), date(2028, 5, 1)), 2026)) == 365


class TestYearly:
    def test_every_year(self):
        assert days(Yearly((12, 25), (12, 26)), 2026) == [date(2026, 12, 25), date(2026, 12, 26)]

    def test_over_new_year_it_is_at_both_ends_of_each(self):
        assert days(Yearly((12, 31), (1, 1)), 2026) == [date(2026, 1, 1), date(2026, 12, 31)]

    def test_the_29th_of_february_is_in_leap_years_alone(self):
        leap_day = Yearly((2, 29), (2, 29))
        assert (days(leap_day, 2027), days(leap_day, 2028)) == ([], [date(2028, 2, 29)])


class TestEaster:
    @pytest.mark.parametrize(
        ("offset", "orthodox", "expected"),
        [
            pytest.param(0, False, date(2026, 4, 5), id="Easter Sunday"),
            pytest.param(-2, False, date(2026, 4, 3), id="Good Friday"),
            pytest.param(1, False, date(2026, 4, 6), id="Easter Monday"),
            pytest.param(39, False, date(2026, 5, 14), id="Ascension"),
            pytest.param(60, False, date(2026, 6, 4), id="Corpus Christi"),
            pytest.param(-48, False, date(2026, 2, 16), id="Shrove Monday"),
            pytest.param(0, True, date(2026, 4, 12), id="Orthodox Easter"),
        ],
    )
    def test_in_2026(self, offset, orthodox, expected):
        assert days(ByEaster(offset, orthodox), 2026) == [expected]

    @pytest.mark.parametrize("offset", [EARLIEST_EASTER, LATEST_EASTER])
    @pytest.mark.parametrize("orthodox", [False, True])
    def test_the_farthest_offsets_stay_in_the_year(self, offset, orthodox):
        assert all(day.year == year for year in range(1970, 2200) for day in days(ByEaster(offset, orthodox), year))


class TestRule:
    @pytest.mark.parametrize(
        ("rule", "first", "year", "expected"),
        [
            pytest.param("FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", None, 2026, ["05-25"], id="Memorial Day"),
            pytest.param("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", None, 2026, ["11-26"], id="Thanksgiving"),
            pytest.param("freq=yearly; bymonth=1; byday=3mo", None, 2026, ["01-19"], id="small letters, blanks"),
            pytest.param("FREQ=YEARLY;BYYEARDAY=-1", None, 2026, ["12-31"], id="the last day of the year"),
            pytest.param("FREQ=YEARLY", date(2020, 10, 3), 2026, ["10-03"], id="the day it started on"),
            pytest.param("FREQ=YEARLY;INTERVAL=4", date(2020, 11, 3), 2024, ["11-03"], id="every fourth year"),
            pytest.param("FREQ=YEARLY;INTERVAL=4", date(2020, 11, 3), 2026, [], id="not in the years between"),
            pytest.param("FREQ=DAILY;COUNT=3", date(2026, 12, 30), 2027, ["01-01"], id="three days over New Year"),
            pytest.param("FREQ=YEARLY;UNTIL=20271231T235959Z", date(2020, 1, 2), 2027, ["01-02"], id="the last time"),
            pytest.param("FREQ=YEARLY;UNTIL=20271231T235959Z", date(2020, 1, 2), 2028, [], id="not after it"),
            pytest.param(
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;UNTIL=20260228", None, 2026, ["01-30", "02-27"],
                id="the last working day of a month",
            ),
            pytest.param("FREQ=WEEKLY;BYDAY=SU;UNTIL=20260111", None, 2026, ["01-04", "01-11"], id="Sundays"),
            pytest.param("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", None, 2026, [], id="leap days"),
        ],
    )  # fmt: skip
    def test_in_one_year(self, rule, first, year, expected):
        assert days(by_rule(rule, first), year) == [date.fromisoformat(f"{year}-{day}") for day in expected]

    @pytest.mark.parametrize(
        ("rule", "first", "told"),
        [
            pytest.param("", None, "'' is no part of a rule", id="nothing"),
            pytest.param("BYMONTH=5", None, "FREQ is missing", id="no frequency"),
            pytest.param("FREQ=HOURLY", None, "FREQ=HOURLY: want YEARLY", id="hours"),
            pytest.param("FREQ=YEARLY;BYMONTH=13;BYDAY=1MO", None, "BYMONTH=13: want 1 to 12", id="a 13th month"),
            pytest.param("FREQ=YEARLY;BYDAY=XX", None, "BYDAY=XX: want MO", id="no weekday"),
            pytest.param("FREQ=YEARLY;BYEASTER=1", None, "'BYEASTER=1' is no part of a rule", id="not of RFC 5545"),
            pytest.param("FREQ=YEARLY;FREQ=YEARLY", None, "FREQ stands there twice", id="twice"),
            pytest.param("FREQ=YEARLY;INTERVAL=0", date(2026, 1, 1), "INTERVAL=0: want 1 to 999", id="never on"),
            pytest.param("FREQ=YEARLY;INTERVAL=2;BYDAY=1MO", None, "INTERVAL counts from a day", id="counts from what"),
            pytest.param("FREQ=YEARLY;BYMONTH=3", None, "does not say which day", id="which day of March"),
            pytest.param("FREQ=DAILY;BYMONTH=2", None, "BYMONTH does not go with FREQ=DAILY", id="daily in a month"),
            pytest.param("FREQ=WEEKLY;BYDAY=2MO", None, "a week has each day once", id="the second Monday of a week"),
            pytest.param("FREQ=YEARLY;COUNT=2;UNTIL=20300101", date(2026, 1, 1), "exclude each other", id="two ends"),
            pytest.param("FREQ=YEARLY;UNTIL=20300231;BYDAY=1MO", None, "no such date", id="until 31 February"),
            pytest.param("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", None, "there is no such day", id="30 February"),
            pytest.param("FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2", None, "there is no such day", id="the second first"),
            pytest.param("FREQ=YEARLY;UNTIL=20200101", date(2026, 1, 1), "there is no such day", id="over already"),
            pytest.param(
                "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", date(2026, 1, 1), "there is no such day",
                id="leap days of years that are none",
            ),
            pytest.param("FREQ=YEARLY", date(1066, 10, 14), "want a day in 1970 to 2199", id="from long ago"),
            pytest.param("FREQ=YEARLY;BYDAY=" + "MO," * 99, None, "at most 200 characters", id="too long"),
            pytest.param("DTSTART:20260101\nRRULE:FREQ=YEARLY", None, "is no part of a rule", id="more than a rule"),
        ],
    )  # fmt: skip
    @pytest.mark.timeout(10)
    def test_an_impossible_rule_is_refused_soon(self, rule, first, told):
        with pytest.raises(ValueError, match=told.replace("'", ".")):
            by_rule(rule, first)

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]),
        st.lists(
            st.sampled_from(PARTS),
            max_size=4,
        ),
        st.none() | st.dates(date(1960, 1, 1), date(2210, 1, 1)),
    )
    def test_a_rule_has_days_or_is_refused(self, frequency, parts, first):
        try:
            rule = by_rule(";".join([f"FREQ={frequency}", *parts]), first)
        except ValueError:
            return
        for year in (2026, 2027, 2028):
            assert all(day.year == year for day in rule.days(year))


class TestSpecialDays:
    CALENDAR = SpecialDays(
        (
            SpecialDay("Christmas", "holiday", Yearly((12, 25), (12, 26))),
            SpecialDay("Inventory", "short", Once(date(2026, 12, 24), date(2026, 12, 25))),
        )
    )

    def test_the_kind_of_a_day(self):
        assert self.CALENDAR.kind(date(2026, 12, 24)) == "short"
        assert self.CALENDAR.kind(date(2026, 12, 27)) is None

    def test_the_first_of_two_on_one_day_counts(self):
        assert self.CALENDAR.on(date(2026, 12, 25)).name == "Christmas"

    def test_any_number_of_years_may_be_asked_for(self):
        calendar = SpecialDays(self.CALENDAR.every)
        assert all(calendar.kind(date(year, 12, 25)) == "holiday" for year in [*range(1900, 2100), 1900])
        assert len(calendar._years) <= 50

    def test_a_year_is_worked_out_once(self):
        calendar = SpecialDays((SpecialDay("x", "holiday", by_rule("FREQ=DAILY", date(1970, 1, 1))),))
        for number in range(365):
            assert calendar.kind(date(2026, 1, 1) + timedelta(days=number)) == "holiday"
        assert list(calendar._years) == [2026]

    def test_none_at_all(self):
        assert SpecialDays().kind(date(2026, 1, 1)) is None
