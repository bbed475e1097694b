import logging
import subprocess
import sys
import threading
import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.errors import ConfigError, HardwareError
from agent.hardware.doors import DoorOptions, relock
from agent.hardware.doors.gpio import GpioDoor
from agent.hardware.doors.log import LogDoor
from agent.hardware.doors.relock import Relock


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Switch:
    """Notes its positions; `broken` makes it disobey."""

    def __init__(self):
        self.positions, self.broken = [], False

    def __call__(self, unlocked):
        if self.broken:
            raise HardwareError("stuck")
        self.positions.append(unlocked)


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def switch():
    return Switch()


@pytest.fixture
def timer(switch, clock):
    timer = Relock(switch, max_open_seconds=30, monotonic=clock)
    yield timer
    switch.broken = False
    timer.close()


class TestRelock:
    """With a clock of its own: `_lock_if_due` is what the thread runs when it wakes."""

    def test_the_switch_is_turned_off_at_the_start(self, timer, switch):
        assert switch.positions == [False]

    def test_it_is_turned_once_for_pulses_that_overlap(self, timer, switch, clock):
        timer.pulse(5)
        clock.now += 3
        timer.pulse(5)
        assert switch.positions == [False, True]

    @pytest.mark.parametrize(
        ("after", "unlocked"),
        [(0.0, True), (4.999, True), (5.0, False)],
    )
    def test_it_locks_at_the_instant_and_not_before(self, timer, clock, after, unlocked):
        timer.pulse(5)
        clock.now += after
        timer._lock_if_due()
        assert timer.unlocked is unlocked

    def test_the_limit_counts_from_the_first_pulse(self, timer, clock):
        for _ in range(29):
            timer.pulse(5)
            clock.now += 1
            timer._lock_if_due()
            assert timer.unlocked
        clock.now += 1
        timer._lock_if_due()
        assert not timer.unlocked

    def test_a_pulse_after_the_time_is_up_locks_first_and_has_its_own_limit(self, timer, switch, clock):
        timer.pulse(30)
        clock.now += 30
        timer.pulse(30)  # before the thread woke up
        assert switch.positions == [False, True, False, True]
        clock.now += 29
        timer._lock_if_due()
        assert timer.unlocked

    def test_setting_a_hold_ends_the_timer_and_releasing_it_locks_now(self, timer, clock):
        timer.pulse(5)
        timer.hold(unlocked=True)
        clock.now += 3600
        timer._lock_if_due()
        assert timer.unlocked
        timer.hold(unlocked=False)
        assert not timer.unlocked

    def test_locking_a_locked_door_drives_it_all_the_same(self, timer, switch):
        timer.hold(unlocked=False)
        assert switch.positions == [False, False]

    def test_a_switch_that_will_not_unlock_is_told_and_locked(self, switch, monkeypatch):
        monkeypatch.setattr(relock, "RETRY_SECONDS", 0.01)
        timer = Relock(switch, max_open_seconds=30)
        switch.broken = True
        with pytest.raises(HardwareError, match="stuck"):
            timer.pulse(0.05)
        assert timer.unlocked  # for all we know
        switch.broken = False
        wait_until(lambda: not timer.unlocked)
        timer.close()

    @pytest.mark.parametrize("how", ["pulse", "hold"])
    def test_a_switch_that_will_not_lock_is_tried_again_until_it_does(self, switch, monkeypatch, caplog, how):
        monkeypatch.setattr(relock, "RETRY_SECONDS", 0.01)
        timer = Relock(switch, max_open_seconds=30)
        timer.pulse(0.05 if how == "pulse" else 60)
        switch.broken = True
        if how == "hold":
            with pytest.raises(HardwareError, match="stuck"):
                timer.hold(unlocked=False)
        wait_until(lambda: caplog.text.count("door could not be locked") >= 3)
        assert timer.unlocked
        switch.broken = False
        wait_until(lambda: not timer.unlocked)
        assert switch.positions[-1] is False
        timer.close()

    def test_a_switch_that_will_not_lock_at_the_end_is_told(self, switch):
        timer = Relock(switch, max_open_seconds=30)
        switch.broken = True
        with pytest.raises(HardwareError, match="stuck"):
            timer.close()
        timer.close()

    def test_the_real_time_is_kept(self, switch):
        timer = Relock(switch, max_open_seconds=30)
        took = []
        for _ in range(5):
            start = time.monotonic()
            timer.pulse(0.05)
            wait_until(lambda: not timer.unlocked)
            took.append(time.monotonic() - start)
        timer.close()
        assert min(took) >= 0.05
        assert sorted(took)[2] < 0.1


def test_the_limit_is_a_positive_number():
    with pytest.raises(ConfigError, match="max_open_seconds"):
        DoorOptions(max_open_seconds=0)


def test_the_log_door_says_what_it_does(caplog):
    with caplog.at_level(logging.INFO):
        door = LogDoor(DoorOptions())
        door.pulse(60)
        door.close()
    assert [record.getMessage() for record in caplog.records] == ["door locked", "door unlocked", "door locked"]


@pytest.fixture
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


class TestGpioDoor:
    @pytest.mark.parametrize(("active_high", "locked", "open_"), [(True, 0, 1), (False, 1, 0)])
    def test_the_pin_is_at_the_locked_level_but_for_the_pulse(self, pins, active_high, locked, open_):
        pin = pins.pin(17)
        door = GpioDoor(DoorOptions(pin=17, active_high=active_high))
        assert (pin.function, pin.state) == ("output", locked)
        door.pulse(0.05)
        assert pin.state == open_
        wait_until(lambda: pin.state == locked)
        door.pulse(60)
        door.close()
        states = [change.state for change in pin.states]
        assert states[-1] == locked
        assert pin.function == "input"

    def test_a_pin_already_high_is_taken_back(self, pins):
        pin = pins.pin(17)
        pin.function = "output"
        pin.state = 1
        door = GpioDoor(DoorOptions(pin=17))
        assert pin.state == 0
        door.close()

    def test_a_pin_in_use_is_told(self, pins):
        door = GpioDoor(DoorOptions(pin=17))
        with pytest.raises(HardwareError, match=r"GPIO 17 cannot be used: .*in use"):
            GpioDoor(DoorOptions(pin=17))
        door.close()

    def test_a_pin_that_does_not_exist_is_told(self, pins):
        with pytest.raises(HardwareError, match="GPIO 99 cannot be used"):
            GpioDoor(DoorOptions(pin=99))

    def test_a_relay_that_does_not_obey_is_told(self, pins):
        door = GpioDoor(DoorOptions(pin=17))
        door._relay.close()
        with pytest.raises(HardwareError, match="the relay on GPIO 17 does not obey"):
            door.pulse(1)
        with pytest.raises(HardwareError, match="does not obey"):
            door.close()

    @pytest.mark.parametrize(
        ("pin", "active_high", "warns"), [(4, True, True), (4, False, False), (17, True, False), (17, False, True)]
    )
    def test_a_pin_that_opens_while_the_pi_starts_is_warned_of(self, pins, caplog, pin, active_high, warns):
        GpioDoor(DoorOptions(pin=pin, active_high=active_high)).close()
        assert ("pulled towards unlocked" in caplog.text) is warns

    def test_the_same_pins_may_be_given_by_hand(self):
        factory = MockFactory()
        door = GpioDoor(DoorOptions(pin=5, active_high=False), pin_factory=factory)
        door.pulse(60)
        assert factory.pin(5).state == 0
        door.close()

    def test_threads_that_pulse_and_close_leave_it_locked(self, pins):
        pin = pins.pin(17)
        door = GpioDoor(DoorOptions(pin=17))

        def pulse():
            try:
                for _ in range(1000):
                    door.pulse(5)
            except HardwareError:
                pass

        threads = [threading.Thread(target=pulse) for _ in range(4)]
        for thread in threads:
            thread.start()
        door.close()
        for thread in threads:
            thread.join(10)
        assert pin.states[-1].state == 0


class TestLgpio:
    """gpiozero's factory for lgpio, which needs a board, in the shape of the mock one."""

    @pytest.fixture
    def factories(self, monkeypatch):
        made = []

        class LGPIOFactory(MockFactory):
            error = None

            def __init__(self):
                if self.error is not None:
                    raise self.error
                super().__init__()
                made.append(self)
                self.closings = 0

            def close(self):
                self.closings += 1
                super().close()

        module = type(sys)("gpiozero.pins.lgpio")
        module.LGPIOFactory = LGPIOFactory
        module.error = type("error", (Exception,), {})
        monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", module)
        monkeypatch.setitem(sys.modules, "lgpio", module)
        monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
        monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
        return made

    def test_it_is_the_one_that_is_taken_and_given_back(self, factories):
        door = GpioDoor(DoorOptions(pin=17))
        (factory,) = factories
        assert factory.pin(17).function == "output"
        door.close()
        assert factory.closings == 1

    def test_it_is_given_back_where_the_pin_cannot_be_used(self, factories):
        with pytest.raises(HardwareError, match="GPIO 99"):
            GpioDoor(DoorOptions(pin=99))
        assert factories[0].closings == 1

    def test_without_a_board_it_says_so(self, factories, monkeypatch):
        library = sys.modules["lgpio"]
        monkeypatch.setattr(library.LGPIOFactory, "error", library.error("can not open gpiochip"))
        with pytest.raises(HardwareError, match=r"no GPIO pins to use here \(can not open gpiochip\)"):
            GpioDoor(DoorOptions(pin=17))


SCRIPT = """
import atexit, sys
import gpiozero
from gpiozero.pins.mock import MockFactory
gpiozero.Device.pin_factory = MockFactory()
pin = gpiozero.Device.pin_factory.pin(17)
atexit.register(lambda: print("states", [int(change.state) for change in pin.states], pin.function))
from agent.hardware.doors import DoorOptions
from agent.hardware.doors.gpio import GpioDoor
door = GpioDoor(DoorOptions(pin=17))
door.pulse(20)
{end}
"""


class TestEndOfTheProgram:
    @pytest.mark.parametrize(
        "end",
        [
            pytest.param("", id="it simply ends"),
            pytest.param("raise RuntimeError('crash')", id="nobody catches an error"),
            pytest.param("sys.exit(1)", id="it leaves"),
            pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGINT)", id="control-C"),
        ],
    )
    def test_the_door_is_locked_and_nothing_waits_for_the_timer(self, end):
        start = time.monotonic()
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(end=end)], capture_output=True, text=True, timeout=60, check=False
        )
        assert time.monotonic() - start < 15
        assert "states [0, 0, 1, 0] input" in run.stdout or "states [0, 1, 0] input" in run.stdout, run

    def test_without_pins_it_says_so_and_takes_no_other_way(self, monkeypatch):
        monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
        monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
        with pytest.raises(HardwareError, match=r"lgpio.*latchkey\[pi\]|no GPIO pins to use here"):
            GpioDoor(DoorOptions(pin=17))

    def test_the_way_to_the_pins_may_be_named_in_the_environment(self, monkeypatch):
        monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
        door = GpioDoor(DoorOptions(pin=17))
        door.close()
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nonsense")
        monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
        with pytest.raises(HardwareError, match="nonsense"):
            GpioDoor(DoorOptions(pin=17))
