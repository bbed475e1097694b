"""When the night is, over missed nights and changes of the clock; and which clocks are believed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.privacy.night import Past, Trust, is_due, last_due, trust

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 26, 12, tzinfo=BERLIN)
DAY = timedelta(days=1)


def night(days=0):
    return datetime(2026, 11, 26, 3, tzinfo=BERLIN) + days * DAY


@pytest.mark.parametrize(
    ("past", "due"),
    [
        (Past(), True),
        (Past(ran_at=night()), False),
        (Past(ran_at=night(-1)), True),
        (Past(ran_at=night(-9)), True),
        (Past(doubted_at=night()), False),
        (Past(ran_at=night(-9), doubted_at=night(-1)), True),
        (Past(ran_at=night(900)), True),
        (Past(ran_at=night(900), doubted_at=night()), False),
    ],
    ids=[
        "never ran",
        "ran tonight",
        "ran the night before",
        "the power was off for days",
        "doubted tonight",
        "doubted the night before",
        "ran in a future that was wrong",
        "the same, and doubted tonight",
    ],
)
def test_a_night_is_due_once(past, due):
    assert is_due(NOON, past, 3) is due


def test_it_is_not_due_before_its_hour():
    assert not is_due(night() - timedelta(minutes=1), Past(ran_at=night(-1)), 3)
    assert is_due(night(), Past(ran_at=night(-1)), 3)


@given(st.integers(0, 2 * 365 * 24 * 60), st.integers(0, 23))
def test_the_last_night_is_never_ahead_and_never_more_than_a_long_day_ago(minutes, hour):
    now = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(BERLIN)
    since = now.astimezone(UTC) - last_due(now, hour).astimezone(UTC)
    assert timedelta(0) <= since <= timedelta(hours=25)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
@pytest.mark.parametrize("hour", [1, 2, 3])
def test_it_runs_once_in_a_night_in_which_the_clock_changes(day, hour):
    now = datetime.combine(day - DAY, time(12), BERLIN).astimezone(UTC)
    past, runs = Past(ran_at=now), 0
    for _ in range(24 * 6):
        now += timedelta(minutes=10)
        if is_due(now.astimezone(BERLIN), past, hour):
            past, runs = Past(ran_at=now), runs + 1
    assert runs == 1


@pytest.mark.parametrize(
    ("past", "clock", "expected"),
    [
        (Past(ran_at=night(-1)), "synchronised", Trust.RUN),
        (Past(ran_at=night(-1)), "unknown", Trust.RUN),
        (Past(ran_at=night(-1)), "unsynchronised", Trust.NO),
        (Past(ran_at=night(-39)), "synchronised", Trust.RUN),
        (Past(ran_at=night(-41)), "synchronised", Trust.DOUBT),
        (Past(), "synchronised", Trust.DOUBT),
        (Past(doubted_at=night(-1)), "synchronised", Trust.RUN),
        (Past(ran_at=night(-900), doubted_at=night(-1)), "unknown", Trust.RUN),
        (Past(ran_at=night(-900), doubted_at=night(-9)), "unknown", Trust.DOUBT),
        (Past(ran_at=night(9)), "synchronised", Trust.DOUBT),
        (Past(ran_at=night(9), doubted_at=night(-1)), "synchronised", Trust.RUN),
        (Past(ran_at=night(-900), doubted_at=night(1)), "unknown", Trust.DOUBT),
    ],
    ids=[
        "every night",
        "where nobody tells whether it is set",
        "a clock that is not set",
        "a month without power",
        "more than the most",
        "the first night of all",
        "the second night of all",
        "far ahead, and again a night later",
        "far ahead once, and again much later",
        "set back",
        "set back, and again a night later",
        "far ahead, doubted in another future",
    ],
)
def test_a_clock_is_believed(past, clock, expected):
    assert trust(night(), past, clock, most_days_ahead=40) is expected
