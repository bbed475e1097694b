import sys
import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError, HardwareError
from agent.hardware.inputs import Change, Input, InputsOptions, Wire
from agent.hardware.inputs.debounce import Debounced
from agent.hardware.inputs.gpio import GpioInputs
from agent.hardware.inputs.none import NoInputs

DEBOUNCE = 0.02
CONTACT = Wire(Input.CONTACT, 5, on_when_high=True)
BUTTON = Wire(Input.EXIT_BUTTON, 6, on_when_high=False)
CASE = Wire(Input.TAMPER, 13, on_when_high=True)


@pytest.fixture
def pins():
    factory = MockFactory()
    yield factory
    factory.reset()


@pytest.fixture
def opened(pins, request):
    """Returns a function that opens inputs whose door is closed, button up and case closed."""

    def make(*wires, pull="up"):
        pins.pin(5)
        inputs = GpioInputs(InputsOptions(wires, pull=pull, debounce_seconds=DEBOUNCE), pin_factory=pins)
        request.addfinalizer(inputs.close)
        return inputs

    return make


def settled(inputs, pins, **levels):
    """Drives pins and takes what follows until they are as driven."""
    for name, high in levels.items():
        pin = pins.pin(int(name.removeprefix("gpio")))
        (pin.drive_high if high else pin.drive_low)()
    deadline, changes = time.monotonic() + 30, []
    while len(changes) < len(levels):
        assert time.monotonic() < deadline, "waited in vain"
        changes += inputs.take(0.5)
    return changes


class TestDebounced:
    def test_a_level_counts_once_it_is_stable_and_from_when_it_began(self):
        contact = Debounced(on=False, seconds=0.05)
        assert contact.see(1.0, on=True) is None
        assert contact.due == 1.05
        assert contact.see(1.04, on=True) is None
        assert contact.see(1.05, on=True) == 1.0
        assert (contact.on, contact.due) == (True, None)

    def test_a_spark_is_nothing(self):
        contact = Debounced(on=False, seconds=0.05)
        contact.see(1.0, on=True)
        contact.see(1.01, on=False)
        assert contact.see(2.0, on=False) is None
        assert contact.due is None

    def test_a_bounce_begins_again(self):
        contact = Debounced(on=False, seconds=0.05)
        for at, on in [(1.0, True), (1.01, False), (1.02, True)]:
            assert contact.see(at, on=on) is None
        assert contact.see(1.08, on=True) == 1.02

    def test_a_press_that_is_over_when_it_is_looked_at_counts(self):
        button = Debounced(on=False, seconds=0.05)
        button.see(1.0, on=True)
        assert button.see(1.2, on=False) == 1.0
        assert button.on
        assert button.see(1.3, on=False) == 1.2

    @given(st.lists(st.tuples(st.floats(0.001, 0.2), st.booleans()), max_size=60))
    def test_each_change_was_stable_for_the_whole_time(self, levels):
        """By a naive loop: every run of equal levels that lasts long enough, and no other, is a change."""
        contact, at, told, runs = Debounced(on=False, seconds=0.05), 0.0, [], [(0.0, False)]
        for pause, on in levels:
            at += pause
            if (began := contact.see(at, on=on)) is not None:
                told.append((began, contact.on))
            if on != runs[-1][1]:
                runs.append((at, on))
        ends = [began for began, _ in runs[1:]] + [at]
        wanted, state = [], False
        for (began, on), end in zip(runs, ends, strict=True):
            if on != state and end >= began + 0.05:
                state = on
                wanted.append((began, on))
        assert told == wanted


class TestGpio:
    def test_a_contact_is_on_while_the_door_is_open(self, opened, pins):
        inputs = opened(CONTACT)
        assert inputs.state == {Input.CONTACT: True}  # nothing closes it: the pull-up says open
        (closed,) = settled(inputs, pins, gpio5=False)
        assert (closed.input, closed.on, inputs.state) == (Input.CONTACT, False, {Input.CONTACT: False})
        (again,) = settled(inputs, pins, gpio5=True)
        assert again.on
        assert closed.at < again.at <= time.monotonic()

    def test_a_button_to_ground_is_on_while_pressed(self, opened, pins):
        inputs = opened(BUTTON)
        assert inputs.state == {Input.EXIT_BUTTON: False}
        assert settled(inputs, pins, gpio6=False)[0].on

    @pytest.mark.parametrize("pull", ["down", "none"])
    def test_other_resistors_do_not_turn_the_meaning_round(self, opened, pins, pull):
        inputs = opened(CONTACT, pull=pull)
        pins.pin(5).drive_low()
        start = inputs.state[Input.CONTACT]
        changes = settled(inputs, pins, gpio5=True) if not start else []
        assert inputs.state[Input.CONTACT]
        assert all(change.on for change in changes)
        assert not settled(inputs, pins, gpio5=False)[0].on

    def test_several_change_at_once_in_order(self, opened, pins):
        inputs = opened(CONTACT, BUTTON, CASE)
        changes = settled(inputs, pins, gpio5=False, gpio6=False, gpio13=False)
        assert {(change.input, change.on) for change in changes} == {
            (Input.CONTACT, False),
            (Input.EXIT_BUTTON, True),
            (Input.TAMPER, False),
        }
        assert changes == sorted(changes, key=lambda change: change.at)

    def test_bounces_are_swallowed(self, opened, pins):
        inputs = opened(CONTACT)
        pin = pins.pin(5)
        for _ in range(10):
            pin.drive_low()
            pin.drive_high()
        assert inputs.take(4 * DEBOUNCE) == []
        for _ in range(10):
            pin.drive_high()
            pin.drive_low()
        assert [change.on for change in settled(inputs, pins, gpio5=False)] == [False]

    def test_an_edge_that_was_missed_is_found_in_the_level(self, opened, pins):
        inputs = opened(CONTACT)
        pin = pins.pin(5)
        pin.when_changed = None
        pin.drive_low()
        assert [change.on for change in settled(inputs, pins, gpio5=False)] == [False]

    def test_a_short_press_while_nobody_looks_counts(self, opened, pins):
        inputs = opened(BUTTON)
        pin = pins.pin(6)
        pin.drive_low()
        deadline = time.monotonic() + 1.5 * DEBOUNCE
        while time.monotonic() < deadline:
            pass
        pin.drive_high()
        changes = inputs.take(1)
        assert [(change.input, change.on) for change in changes][:1] == [(Input.EXIT_BUTTON, True)]

    def test_a_pin_that_is_not_there_or_has_another_resistor_is_told(self, pins):
        for pin, pull in [(99, "up"), (2, "down")]:
            with pytest.raises(HardwareError, match=rf"GPIO {pin} \(contact\) cannot be used"):
                GpioInputs(InputsOptions((Wire(Input.CONTACT, pin, on_when_high=True),), pull=pull), pin_factory=pins)

    def test_a_pin_in_use_is_told_and_the_others_are_given_back(self, pins):
        taken = gpiozero.OutputDevice(6, pin_factory=pins)
        with pytest.raises(HardwareError, match=r"GPIO 6 \(exit_button\) cannot be used"):
            GpioInputs(InputsOptions((CONTACT, BUTTON)), pin_factory=pins)
        taken.close()
        GpioInputs(InputsOptions((CONTACT, BUTTON)), pin_factory=pins).close()

    def test_a_pin_that_cannot_be_read_any_more_is_told(self, opened, pins, monkeypatch):
        inputs = opened(CONTACT)

        def gone(_):
            raise gpiozero.GPIOZeroError("chip gone")

        monkeypatch.setattr(type(pins.pin(5)), "_get_state", gone)
        monkeypatch.setattr(type(pins.pin(5)), "state", property(gone))
        with pytest.raises(HardwareError, match=r"GPIO 5 \(contact\) cannot be read: chip gone"):
            inputs.take(0)

    def test_the_chosen_way_to_the_pins_is_given_back(self, monkeypatch):
        closings = []

        class LGPIOFactory(MockFactory):
            def close(self):
                closings.append(self)
                super().close()

        module = type(sys)("gpiozero.pins.lgpio")
        module.LGPIOFactory, module.error = LGPIOFactory, type("error", (Exception,), {})
        monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", module)
        monkeypatch.setitem(sys.modules, "lgpio", module)
        monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
        monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
        GpioInputs(InputsOptions((CONTACT,))).close()
        assert len(closings) == 1


def test_wires_that_nobody_would_look_at_are_refused():
    with pytest.raises(ConfigError, match=r"\[inputs\] has a pin for the contact but backend = 'none'"):
        NoInputs(InputsOptions((CONTACT,)))


def test_a_change_says_what_and_when():
    assert Change(Input.CONTACT, on=True, at=1.0).input == "contact"
