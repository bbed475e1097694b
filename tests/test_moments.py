"""Times as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.moments import moment, written

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")])


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end", "at"),
    [
        pytest.param("2026-12-24T18:30", False, utc(2026, 12, 24, 17, 30), id="local, in winter"),
        pytest.param("2026-07-01 08:00", False, utc(2026, 7, 1, 6), id="local, in summer"),
        pytest.param("2026-12-24T18:30+05:30", False, utc(2026, 12, 24, 13), id="with an offset"),
        pytest.param("2026-12-24T18:30Z", False, utc(2026, 12, 24, 18, 30), id="UTC"),
        pytest.param(" 2026-12-24 ", False, utc(2026, 12, 23, 23), id="a day begins at midnight"),
        pytest.param("2026-12-24", True, utc(2026, 12, 24, 23), id="a day ends with the next midnight"),
        pytest.param("2026-10-25", True, utc(2026, 10, 25, 23), id="a day of 25 hours"),
        pytest.param("2026-10-25T02:30", False, utc(2026, 10, 25, 0, 30), id="twice: a beginning is the first"),
        pytest.param("2026-10-25T02:30", True, utc(2026, 10, 25, 1, 30), id="twice: an end is the second"),
    ],
)
def test_what_is_meant(text, end, at):
    assert moment(text, BERLIN, end=end) == at


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no time: want 2026-12-24, "),
        ("tomorrow", "'tomorrow' is no time"),
        ("2026-02-30", "is no time"),
        ("2026-12-24T25:00", "is no time"),
        ("9999-12-31", "want a time in the years 1970 to 2199"),
        ("9999-12-31T23:59-12:00", "want a time in the years 1970 to 2199"),
        ("0001-01-01T00:00", "want a time in the years 1970 to 2199"),
        ("2026-03-29T02:30", "does not exist in Europe/Berlin: clocks are put forward"),
    ],
)
def test_what_is_no_time(text, problem):
    with pytest.raises(ValueError, match=problem):
        moment(text, BERLIN, end=True)


@given(st.integers(631_152_000, 4_102_444_800), ZONES, st.booleans())  # seconds: 1990 to 2100
def test_what_is_written_reads_back(at, zone, end):
    at = datetime.fromtimestamp(at, UTC)
    assert moment(written(at, zone), zone, end=end) == at
