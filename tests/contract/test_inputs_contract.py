"""What all inputs promise, over every backend."""

import threading
import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.hardware import backends
from agent.hardware.inputs import Input, InputsOptions, Wire


@pytest.fixture
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


@pytest.fixture(params=["none", "gpio"])
def inputs(request, pins):
    wires = (Wire(Input.CONTACT, 5, on_when_high=True),) if request.param == "gpio" else ()
    opened = backends.load("inputs", request.param)(InputsOptions(wires, debounce_seconds=0.01))
    yield opened
    opened.close()


def test_without_a_change_it_waits_for_as_long_as_it_is_told(inputs):
    start = time.monotonic()
    assert inputs.take(0.05) == []
    assert 0.05 <= time.monotonic() - start < 1


def test_without_time_it_does_not_wait(inputs):
    start = time.monotonic()
    assert inputs.take(0.0) == []
    assert time.monotonic() - start < 0.5


def test_waking_ends_the_waiting_also_when_it_came_before(inputs):
    inputs.wake()
    start = time.monotonic()
    inputs.take(30)
    threading.Timer(0.05, inputs.wake).start()
    inputs.take(30)
    assert time.monotonic() - start < 10


def test_closing_ends_the_waiting_and_may_be_repeated(inputs):
    threading.Timer(0.05, inputs.close).start()
    start = time.monotonic()
    inputs.take(30)
    assert time.monotonic() - start < 10
    inputs.close()
    assert inputs.take(0.0) == []


def test_it_knows_its_state(inputs):
    assert set(inputs.state) <= set(Input)
