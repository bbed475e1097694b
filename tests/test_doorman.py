import threading
import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.access.effects import Cleared, NotPassed, Passed, Raised
from agent.access.latch import LockSettings
from agent.config import Config
from agent.doorman import Doorman, DoorReport
from agent.errors import HardwareError
from agent.hardware.doors import DoorOptions
from agent.hardware.doors.gpio import GpioDoor
from agent.hardware.inputs import Input, InputsOptions, Wire
from agent.hardware.inputs.gpio import GpioInputs
from agent.make import lock_settings, make_inputs
from agent.types import Alarm
from tests.fakes.doormen import Entrance


@pytest.fixture
def entrance(request):
    def make(*args, **kwargs):
        made = Entrance(*args, **kwargs)
        request.addfinalizer(made.doorman.close)
        return made

    return make


class TestGranting:
    def test_the_relay_is_driven_before_it_returns_and_nothing_is_told_by_then(self, entrance):
        at = entrance(contact=False)
        assert at.doorman.grant(0.2, "ada")
        assert at.door.unlocked
        assert at.told == []
        assert at.doorman.report() == DoorReport(
            locked=False, contact="closed", held=False, alarms=(), last_opened_by="ada"
        )

    def test_who_opens_has_passed(self, entrance):
        at = entrance(contact=False)
        at.doorman.grant(0.3, "ada")
        at.happens(Input.CONTACT, on=True)
        assert at.told == [Passed(("ada",))]
        assert at.doorman.report().contact == "open"
        at.happens(Input.CONTACT, on=False)
        assert not at.door.unlocked

    def test_who_does_not_has_not(self, entrance):
        at = entrance(contact=False)
        at.doorman.grant(0.05, "ada")
        at.until(lambda: at.told)
        assert at.told == [NotPassed(("ada",))]
        assert not at.door.unlocked

    def test_the_door_s_own_timer_locks_where_the_worker_is_stuck(self, entrance):
        at = entrance()
        at.doorman.grant(0.05)
        deadline = time.monotonic() + 30
        while at.door.unlocked:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        at.doorman.step()
        assert at.doorman.report().locked

    def test_a_grant_after_a_hold_ends_in_time(self, entrance):
        at = entrance()
        at.doorman.keep(unlocked=True)
        at.doorman.grant(0.2, "ada")
        at.doorman.keep(unlocked=False)
        assert at.door.unlocked
        at.until(lambda: not at.door.unlocked)

    def test_in_a_lock_down_nothing_is_granted(self, entrance):
        at = entrance()
        at.doorman.lock_down(on=True)
        assert (at.doorman.grant(1, "ada"), at.doorman.hold(), at.door.unlocked) == (False, False, False)
        assert at.doorman.report().last_opened_by is None
        at.happens(Input.EXIT_BUTTON, on=True)
        assert at.door.unlocked

    def test_holding_and_locking(self, entrance):
        at = entrance()
        assert at.doorman.hold()
        assert at.door.unlocked
        assert at.doorman.report().held
        at.doorman.lock()
        assert not at.door.unlocked

    def test_a_relay_that_does_not_obey_is_told_to_who_grants(self, entrance):
        at = entrance()
        at.door.close()
        with pytest.raises(HardwareError):
            at.doorman.grant(1, "ada")

    def test_many_threads_never_hold_it_beyond_the_maximum(self, entrance):
        at = entrance(LockSettings(max_open_seconds=0.3, rest_seconds=0.2))
        stop = time.monotonic() + 1.0
        longest, since = 0.0, None

        def grants():
            while time.monotonic() < stop:
                at.doorman.grant(0.2, "ada")
                time.sleep(0.01)

        threads = [threading.Thread(target=grants) for _ in range(3)]
        for thread in threads:
            thread.start()
        while time.monotonic() < stop:
            at.doorman.step()
            unlocked = at.door.unlocked
            now = time.monotonic()
            since = (since or now) if unlocked else None
            longest = max(longest, now - since if since else 0.0)
        for thread in threads:
            thread.join()
        assert 0 < longest < 0.5


class TestAlarms:
    def test_forced_open(self, entrance):
        at = entrance(contact=False)
        at.happens(Input.CONTACT, on=True)
        assert at.told == [Raised(Alarm.FORCED_OPEN)]
        assert at.doorman.report().alarms == (Alarm.FORCED_OPEN,)
        at.happens(Input.CONTACT, on=False)
        assert at.told[1:] == [Cleared(Alarm.FORCED_OPEN)]

    def test_held_open(self, entrance):
        at = entrance(contact=False)
        at.doorman.grant(0.02, "ada")
        at.happens(Input.CONTACT, on=True)
        at.until(lambda: Raised(Alarm.HELD_OPEN) in at.told)
        assert at.told == [Passed(("ada",)), Raised(Alarm.HELD_OPEN_SOON), Raised(Alarm.HELD_OPEN)]

    def test_a_door_open_at_the_start_has_to_be_closed(self, entrance):
        at = entrance(contact=True)
        at.until(lambda: at.told)
        assert at.told[0] == Raised(Alarm.HELD_OPEN_SOON)

    def test_an_open_case_is_told_and_then_wiped_at_the_start_too(self, entrance):
        order = []
        at = entrance(tamper=True, wipe=lambda: order.append(list(at.told)))
        at.doorman.step()
        assert order == [[Raised(Alarm.TAMPER)]]
        at.happens(Input.TAMPER, on=False)
        at.happens(Input.TAMPER, on=True)
        assert len(order) == 2

    def test_without_a_wipe_nothing_is_wiped(self, entrance):
        at = entrance(tamper=False)
        at.happens(Input.TAMPER, on=True)
        assert at.told == [Raised(Alarm.TAMPER)]

    def test_a_button_that_is_let_go_does_nothing(self, entrance):
        at = entrance()
        at.happens(Input.EXIT_BUTTON, on=False)
        assert not at.door.unlocked


class TestEnd:
    def test_what_was_not_told_is_told_after_the_last_step(self, entrance):
        at = entrance()
        at.doorman.grant(0.2, "ada")
        at.doorman.close()
        at.doorman.finish()
        assert (at.told, at.door.unlocked, at.inputs.closings) == ([Passed(("ada",))], False, 1)


def test_relay_and_inputs_at_the_pins(monkeypatch):
    """A whole passage on gpiozero's mock pins: button, relay, contact, relocking."""
    pins = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", pins)
    contact, button, relay = pins.pin(5), pins.pin(6), pins.pin(17)
    wires = (Wire(Input.CONTACT, 5, on_when_high=True), Wire(Input.EXIT_BUTTON, 6, on_when_high=False))
    door = GpioDoor(DoorOptions(pin=17))
    inputs = GpioInputs(InputsOptions(wires, debounce_seconds=0.005))
    contact.drive_low()
    told = []
    doorman = Doorman(door, inputs, LockSettings(grace_seconds=0), told=lambda effect, _: told.append(effect))
    at = Entrance.__new__(Entrance)
    at.doorman = doorman
    at.until(lambda: doorman.report().contact == "closed")
    button.drive_low()
    at.until(lambda: relay.state)
    contact.drive_high()
    at.until(lambda: doorman.report().contact == "open")
    contact.drive_low()
    at.until(lambda: not relay.state)
    assert told == [Passed((), others=True)]
    doorman.close()
    pins.reset()


def test_the_defaults_are_those_of_the_configuration():
    assert lock_settings(Config()) == LockSettings()
    assert make_inputs(Config()).state == {}
