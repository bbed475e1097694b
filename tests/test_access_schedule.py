"""Schedules: weekly periods as instants, against a clock that is looked at every minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.access.schedule import ALWAYS, Period, Schedule, next_start, span_at, spans

ZONES = {
    name: ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour of summer time
        "Asia/Kathmandu",  # 5:45
        "America/St_Johns",  # until 2011 its clock was set back over midnight
        "Asia/Beirut",  # set at midnight
        "Pacific/Apia",  # had no 30 December 2011
        "UTC",
    )
}
BERLIN = ZONES["Europe/Berlin"]
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
CHANGES = {
    "Europe/Berlin": [SPRING, AUTUMN],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Asia/Kathmandu": [date(2026, 1, 1)],
    "America/St_Johns": [date(2010, 3, 14), date(2010, 11, 7)],
    "Asia/Beirut": [date(2026, 3, 29), date(2026, 10, 25)],
    "Pacific/Apia": [date(2011, 12, 30)],
    "UTC": [date(2026, 2, 28)],
}
MINUTE = timedelta(minutes=1)


class Days(dict):
    """A calendar written down: day -> kind."""

    def kind(self, day):
        return self.get(day)


def period(text):
    start, end = text.split("-")
    return Period(time.fromisoformat(start), time.min if end == "24:00" else time.fromisoformat(end))


def daily(*texts, **special):
    week = (tuple(period(text) for text in texts),) * 7
    return Schedule("x", week, {kind: tuple(map(period, texts)) for kind, texts in special.items()})


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def the_span(schedule, day, zone=BERLIN, calendar=None):
    found = spans(schedule, day, day, zone, calendar or Days())
    return [(f"{span.starts_at:%d %H:%M}", f"{span.ends_at:%d %H:%M}") for span in found]


class TestSpans:
    @pytest.mark.parametrize(
        ("text", "day", "expected"),
        [
            pytest.param("07:00-19:00", date(2026, 1, 5), ("05 06:00", "05 18:00"), id="winter is UTC+1"),
            pytest.param("07:00-19:00", date(2026, 7, 6), ("06 05:00", "06 17:00"), id="summer is UTC+2"),
            pytest.param("22:00-06:00", date(2026, 1, 5), ("05 21:00", "06 05:00"), id="over midnight"),
            pytest.param("22:00-06:00", date(2026, 3, 28), ("28 21:00", "29 04:00"), id="the short night has 7 hours"),
            pytest.param("22:00-06:00", date(2026, 10, 24), ("24 20:00", "25 05:00"), id="the long night has 9 hours"),
            pytest.param("00:00-24:00", SPRING, ("28 23:00", "29 22:00"), id="the short day has 23 hours"),
            pytest.param("00:00-24:00", AUTUMN, ("24 22:00", "25 23:00"), id="the long day has 25 hours"),
            pytest.param("08:00-08:00", date(2026, 1, 5), ("05 07:00", "06 07:00"), id="round the clock"),
            pytest.param("02:30-06:00", SPRING, ("29 01:00", "29 04:00"), id="a start that is skipped is the skip"),
            pytest.param("01:00-02:30", SPRING, ("29 00:00", "29 01:00"), id="an end that is skipped is the skip"),
            pytest.param("02:30-06:00", AUTUMN, ("25 00:30", "25 05:00"), id="starts when the clock shows it first"),
            pytest.param("01:00-02:30", AUTUMN, ("24 23:00", "25 01:30"), id="ends when the clock shows it last"),
            pytest.param(
                "22:00-02:00", date(2026, 10, 24), ("24 20:00", "25 00:00"), id="02:00 ends it before the second"
            ),
            pytest.param("02:00-03:00", AUTUMN, ("25 00:00", "25 02:00"), id="the hour that comes twice"),
            pytest.param("01:00-02:00", SPRING, ("29 00:00", "29 01:00"), id="up to the skip"),
            pytest.param("03:00-04:00", SPRING, ("29 01:00", "29 02:00"), id="from the skip"),
        ],
    )
    def test_a_period_is_what_the_clock_on_the_wall_shows(self, text, day, expected):
        assert the_span(daily(text), day) == [expected]

    def test_a_period_that_the_clock_skips_does_not_take_place(self):
        assert the_span(daily("02:15-02:45"), SPRING) == []

    def test_a_day_that_the_calendar_skips_has_none(self):
        assert spans(ALWAYS, date(2011, 12, 30), date(2011, 12, 30), ZONES["Pacific/Apia"], Days()) == []

    def test_they_come_in_order_whatever_the_order_in_which_they_are_written(self):
        found = spans(daily("14:00-18:00", "08:00-12:00"), date(2026, 1, 5), date(2026, 1, 6), BERLIN, Days())
        assert [span.day.day for span in found] == [5, 5, 6, 6]
        assert found == sorted(found, key=lambda span: span.starts_at)

    def test_none_where_the_last_day_is_before_the_first(self):
        assert spans(ALWAYS, date(2026, 1, 5), date(2026, 1, 4), BERLIN, Days()) == []


class TestSpecialDays:
    CHRISTMAS = Days({date(2026, 12, 25): "holiday", date(2026, 12, 24): "short"})

    def test_their_periods_hold_instead_of_the_weekday_s(self):
        schedule = daily("22:00-06:00", holiday=["10:00-11:00"])
        assert the_span(schedule, date(2026, 12, 25), calendar=self.CHRISTMAS) == [("25 09:00", "25 10:00")]

    def test_a_kind_that_the_schedule_does_not_mention_is_an_ordinary_day(self):
        schedule = daily("08:00-12:00", holiday=[])
        assert the_span(schedule, date(2026, 12, 24), calendar=self.CHRISTMAS) == [("24 07:00", "24 11:00")]

    def test_the_night_before_goes_on_into_the_holiday(self):
        schedule = daily("22:00-06:00", holiday=[])
        night = span_at(schedule, utc("2026-12-25T03:00"), BERLIN, self.CHRISTMAS)
        assert night.day == date(2026, 12, 24)
        assert span_at(schedule, utc("2026-12-25T22:00"), BERLIN, self.CHRISTMAS) is None

    def test_always_is_always(self):
        assert span_at(ALWAYS, utc("2026-12-25T03:00"), BERLIN, self.CHRISTMAS)


class TestSpanAt:
    def test_the_start_is_part_of_it_and_the_end_is_not(self):
        schedule = daily("07:00-19:00")
        assert span_at(schedule, utc("2026-01-05T06:00"), BERLIN, Days())
        assert span_at(schedule, utc("2026-01-05T17:59:59.999999"), BERLIN, Days())
        assert span_at(schedule, utc("2026-01-05T05:59:59.999999"), BERLIN, Days()) is None
        assert span_at(schedule, utc("2026-01-05T18:00"), BERLIN, Days()) is None

    def test_of_several_the_one_that_ends_last(self):
        schedule = daily("08:00-12:00", "09:00-17:00")
        assert span_at(schedule, utc("2026-01-05T10:00"), BERLIN, Days()).ends_at == utc("2026-01-05T16:00")

    def test_an_instant_may_be_given_in_any_zone(self):
        at = datetime(2026, 1, 5, 12, tzinfo=ZONES["Asia/Kathmandu"])
        assert span_at(daily("07:00-08:00"), at, BERLIN, Days())

    @pytest.mark.parametrize("year", [1, 9999])
    def test_the_ends_of_time_are_no_error(self, year):
        at = datetime(year, 1 if year == 1 else 12, 2 if year == 1 else 30, 12, tzinfo=UTC)
        assert span_at(daily("11:00-13:00"), at, ZONES["UTC"], Days())


class TestNextStart:
    def test_the_earliest_of_all_schedules(self):
        schedules = [daily("12:00-13:00"), daily("09:00-10:00")]
        assert next_start(schedules, utc("2026-01-05T11:30"), BERLIN, Days()) == utc("2026-01-06T08:00")

    def test_none_where_there_is_none_for_a_month(self):
        assert next_start([daily()], utc("2026-01-05T11:30"), BERLIN, Days()) is None
        assert next_start([ALWAYS], datetime(9999, 12, 31, 12, tzinfo=UTC), ZONES["UTC"], Days()) is None


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45, 59]))
periods = st.builds(Period, times, times)


def shown(span_day, text_period, zone, minutes):
    """By looking at the clock: the first minute at which it shows a time of the period, and the end of the last."""
    start = datetime.combine(span_day, text_period.start)
    end = datetime.combine(span_day, text_period.end)
    if text_period.end <= text_period.start:
        end += timedelta(days=1)
    inside = [at for at in minutes if start <= at.astimezone(zone).replace(tzinfo=None, fold=0) < end]
    return (inside[0], inside[-1] + MINUTE) if inside else None


@pytest.mark.parametrize("name", ZONES)
@settings(max_examples=15, deadline=None)
@given(period=periods, offset=st.integers(-2, 1), which=st.integers(0, 1), kinds=st.sets(st.integers(-2, 2)))
def test_spans_are_what_a_clock_shows_that_is_looked_at_every_minute(name, period, offset, which, kinds):
    zone, changes = ZONES[name], CHANGES[name]
    change = changes[which % len(changes)]
    day = change + timedelta(days=offset)
    closed = Days({change + timedelta(days=number): "holiday" for number in kinds})
    schedule = Schedule("x", ((period,),) * 7, {"holiday": ()})
    midnight = datetime.combine(day, time.min, UTC)
    minutes = [midnight + number * MINUTE for number in range(-16 * 60, 64 * 60)]
    expected = None if closed.kind(day) else shown(day, period, zone, minutes)
    found = spans(schedule, day, day, zone, closed)
    assert [(span.starts_at, span.ends_at, span.day) for span in found] == ([(*expected, day)] if expected else [])
    around = spans(schedule, day - timedelta(days=4), day + timedelta(days=4), zone, closed)
    for at in minutes[::7]:
        inside = [span for span in around if span.starts_at <= at < span.ends_at]
        assert span_at(schedule, at, zone, closed) == max(inside, key=lambda span: span.ends_at, default=None)
