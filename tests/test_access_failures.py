from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.access.failures import failed, locked_seconds, pin_due, rein, succeeded
from agent.access.holder import Standing
from agent.access.rules import DoorRules

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DOOR = DoorRules("front", failures=3, lockout_seconds=10.0, longest_lockout_seconds=35.0)


def lockouts(door, times):
    """The seconds of each lock-out of somebody who goes on failing whenever that is possible."""
    standing, at, found = Standing(), AT, []
    for _ in range(times):
        standing = failed(standing, door, at)
        if seconds := locked_seconds(standing, at):
            found.append(seconds)
            at += timedelta(seconds=seconds)
    return found


def test_so_many_in_a_row_each_time_for_twice_as_long():
    assert lockouts(DOOR, 12) == [10.0, 20.0, 35.0, 35.0]


def test_thousands_of_failures_overflow_nothing():
    assert lockouts(DoorRules("front", failures=1), 3000)[-1] == 3600.0


def test_a_door_that_counts_no_failures():
    assert lockouts(DoorRules("front", failures=0), 100) == []


def test_a_success_forgets_all_but_where_somebody_is():
    standing = Standing(2, 3, AT, AT, "lab", AT)
    assert succeeded(standing) == Standing(pin_at=AT, zone="lab", zone_at=AT)


@given(st.integers(1, 60), st.integers(-10_000_000, 10_000_000))
def test_a_clock_that_is_set_never_makes_a_lockout_longer_than_it_may_be(tries, moved):
    standing = Standing()
    for _ in range(tries):
        standing = failed(standing, DOOR, AT)
    later = AT + timedelta(seconds=moved)
    reined = rein(standing, DOOR, later)
    assert locked_seconds(reined, later) <= DOOR.longest_lockout_seconds
    if moved <= 0 and locked_seconds(standing, AT):  # set back: nobody is in early
        assert locked_seconds(reined, later) >= locked_seconds(standing, AT)


def test_a_pin_is_due_after_so_many_hours_or_where_the_clock_cannot_say():
    door = DoorRules("front", pin_every_hours=1.0)

    def due(seconds):
        return pin_due(Standing(pin_at=AT), door, AT + timedelta(seconds=seconds))

    assert [due(seconds) for seconds in (0, 3600, 3601, -300, -301)] == [False, False, True, False, True]
    assert pin_due(Standing(), door, AT)
    assert not pin_due(Standing(), DOOR, AT)
