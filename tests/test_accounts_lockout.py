"""Who waits after wrong tries: the table, with the time as an argument."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.accounts.lockout import STRANGERS, Failures, home_of, wait

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def failed(count, ago=0.0):
    return Failures(count, NOW - ago * SECOND)


@pytest.mark.parametrize(
    ("count", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (8, 240), (11, 1920), (12, 3600), (13, 3600), (10_000, 3600)],
)
def test_after_five_in_a_row_it_doubles_to_an_hour(count, seconds):
    assert failed(count).wait(NOW) == seconds * SECOND


def test_the_time_that_has_passed_counts():
    assert failed(5, ago=29).wait(NOW) == SECOND
    assert failed(5, ago=30).wait(NOW) == 0 * SECOND
    assert failed(50, ago=3600).wait(NOW) == 0 * SECOND


def test_one_more_after_the_wait_is_twice_as_long_and_a_day_later_it_is_the_first():
    assert failed(5, ago=31).and_one(NOW) == Failures(6, NOW)
    assert failed(50, ago=86_400).and_one(NOW) == Failures(1, NOW)
    assert failed(50, ago=86_400).wait(NOW) == 0 * SECOND


def test_a_clock_that_was_set_back_locks_nobody_out_for_good():
    assert Failures(50, NOW + 365 * DAY).wait(NOW) == 0 * HOUR
    assert Failures(50, NOW + HOUR / 2).wait(NOW) == HOUR
    assert Failures(50, NOW + 365 * DAY).and_one(NOW) == Failures(1, NOW)


@pytest.mark.parametrize(
    ("name", "address", "familiar", "seconds"),
    [
        pytest.param(None, None, None, 0, id="nobody has failed"),
        pytest.param(failed(4), failed(4), None, 0, id="four times are free"),
        pytest.param(failed(5), failed(5), None, 30, id="five from here"),
        pytest.param(failed(1), failed(6), None, 60, id="the address has tried other names"),
        pytest.param(failed(6), failed(1), None, 60, id="the name is locked and the address has failed"),
        pytest.param(failed(12), None, None, 0, id="the name is locked and the address is new"),
        pytest.param(failed(12), failed(3, ago=86_400), None, 0, id="the address failed long ago"),
        pytest.param(failed(STRANGERS), None, None, 3600, id="too many strangers"),
        pytest.param(failed(STRANGERS, ago=3601), None, None, 0, id="and an hour later one may try"),
        pytest.param(failed(90), None, NOW - DAY, 0, id="somebody signed in from here yesterday"),
        pytest.param(failed(90), failed(3), NOW - DAY, 0, id="and may mistype"),
        pytest.param(failed(90), failed(5), NOW - DAY, 30, id="but not for ever"),
        pytest.param(failed(90), None, NOW - 31 * DAY, 3600, id="somebody signed in from here long ago"),
    ],
)
def test_who_waits(name, address, familiar, seconds):
    assert wait(name, address, NOW, familiar=familiar) == seconds * SECOND


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_address(address, home):
    assert home_of(address) == home
