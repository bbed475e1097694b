"""What every door promises, over every backend."""

import threading
import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.errors import HardwareError
from agent.hardware import backends
from agent.hardware.doors import DoorOptions


@pytest.fixture
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


@pytest.fixture(params=["log", "gpio", "gpio, active low"])
def opened(request, pins):
    """Return a function that makes the door under test; all are closed in the end."""
    name, *low = request.param.split(", ")

    def make(**options):
        door = backends.load("door", name)(DoorOptions(pin=17, active_high=not low, **options))
        request.addfinalizer(door.close)
        return door

    return make


def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
    return time.monotonic()


def test_it_starts_locked(opened):
    assert not opened().unlocked


def test_a_pulse_returns_at_once_and_locks_again_by_itself(opened):
    door = opened()
    start = time.monotonic()
    door.pulse(1.0)
    assert door.unlocked  # returned before it was over
    assert wait_until(lambda: not door.unlocked) - start >= 1.0


def test_a_pulse_during_a_pulse_makes_it_longer(opened):
    door = opened()
    start = time.monotonic()
    door.pulse(0.1)
    time.sleep(0.05)
    door.pulse(0.3)
    assert wait_until(lambda: not door.unlocked) - start >= 0.35


def test_a_shorter_pulse_during_a_pulse_does_not_cut_it(opened):
    door = opened()
    start = time.monotonic()
    door.pulse(0.3)
    door.pulse(0.01)
    assert wait_until(lambda: not door.unlocked) - start >= 0.3


def test_pulses_together_never_open_for_longer_than_the_limit(opened):
    door = opened(max_open_seconds=1.0)
    start = time.monotonic()
    door.pulse(60)
    time.sleep(0.1)
    assert door.unlocked
    door.pulse(60)
    assert wait_until(lambda: not door.unlocked) - start >= 1.0


def test_it_opens_again_after_it_has_locked_at_the_limit(opened):
    door = opened(max_open_seconds=0.5)
    door.pulse(60)
    wait_until(lambda: not door.unlocked)
    door.pulse(60)
    assert door.unlocked
    wait_until(lambda: not door.unlocked)


def test_holding_has_no_limit_and_a_pulse_does_not_end_it(opened):
    door = opened(max_open_seconds=0.05)
    door.hold(unlocked=True)
    door.pulse(0.01)
    time.sleep(0.2)
    assert door.unlocked
    door.hold(unlocked=False)
    assert not door.unlocked


def test_locking_ends_a_pulse(opened):
    door = opened()
    door.pulse(60)
    door.hold(unlocked=False)
    assert not door.unlocked


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_pulse_takes_a_positive_number(opened, seconds):
    door = opened()
    with pytest.raises(ValueError, match="positive number of seconds"):
        door.pulse(seconds)
    assert not door.unlocked


def test_closing_locks_for_good_and_may_be_repeated(opened):
    door = opened()
    door.pulse(60)
    door.close()
    assert not door.unlocked
    door.close()
    with pytest.raises(HardwareError, match="closed"):
        door.pulse(1)
    with pytest.raises(HardwareError, match="closed"):
        door.hold(unlocked=True)
    assert not door.unlocked


def test_it_can_be_made_again(opened):
    opened().close()
    door = opened()
    door.pulse(60)
    assert door.unlocked


def test_many_threads_may_use_it(opened):
    door = opened(max_open_seconds=0.2)
    threads = [threading.Thread(target=lambda: [door.pulse(0.05) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    wait_until(lambda: not door.unlocked)


def test_no_thread_is_left_behind(opened):
    before = set(threading.enumerate())
    door = opened()
    door.pulse(60)
    door.close()
    assert set(threading.enumerate()) <= before
