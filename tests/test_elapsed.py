from datetime import UTC, datetime, timedelta

from agent.elapsed import Elapsed

START = datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_counts_from_the_first_time_and_never_back():
    elapsed = Elapsed()
    steps = [0, 0.1, 5, -3600, -3599, -3599, -3598.5]
    assert [elapsed(START + timedelta(seconds=step)) for step in steps] == [0, 0.1, 5, 5, 6, 6, 6.5]


def test_ten_tenths_are_a_second():
    elapsed = Elapsed()
    assert [elapsed(START + timedelta(seconds=step / 10)) for step in range(11)][-1] == 1.0
