"""Inputs on the Raspberry Pi's pins, through gpiozero.

Edges wake whoever waits; the levels themselves are read again each time, so that an edge that was missed costs a moment
and not the truth. Debouncing is ours, so that it is the same whatever way to the pins gpiozero takes.

Wire each switch between its pin and ground, with the Pi's own pull-up: a contact and a tamper switch that are closed
while all is well, so that a cut wire looks like an open door; a button that closes when pressed. Long wires want a
resistor (1 kOhm) in series and a stronger pull-up (10 kOhm to 3.3 V). The exit button works through this program, which
may be down: where people have to get out, the lock itself needs a handle, or a break-glass switch that cuts its power.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import gpiozero

from agent.errors import HardwareError
from agent.hardware.inputs import Change, Input, InputsOptions, Wire
from agent.hardware.inputs.debounce import Debounced
from agent.hardware.pins import chosen_factory, pin_errors


class GpioInputs:
    """Contact, exit button and tamper switch, each at a pin.

    Args:
        options: the wires, the pull resistor, how long to debounce.
        pin_factory: gpiozero's way to the pins; as for the door.
        monotonic: seconds, from any zero.

    Raises:
        HardwareError: no pins here, no such pin, a pin that is in use or has another resistor.
    """

    def __init__(
        self,
        options: InputsOptions,
        *,
        pin_factory: Any = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._edges: list[tuple[Input, bool, float]] = []
        self._woken = self._closed = False
        self._own_factory = chosen_factory("the inputs 'gpio'") if pin_factory is None else None
        self._devices: dict[Input, tuple[Wire, Any]] = {}
        try:
            for wire in options.wires:
                self._devices[wire.input] = wire, _device(wire, options.pull, pin_factory or self._own_factory)
            self._debounced = {
                which: Debounced(on=self._level(which), seconds=options.debounce_seconds) for which in self._devices
            }
        except BaseException:
            self.close()
            raise
        for which, (wire, device) in self._devices.items():
            high_when_active = options.pull != "up"
            device.when_activated = partial(self._edge, which, high_when_active == wire.on_when_high)
            device.when_deactivated = partial(self._edge, which, high_when_active != wire.on_when_high)
        atexit.register(self.close)

    @property
    def state(self) -> Mapping[Input, bool]:
        """Those that are wired, and whether each is on."""
        return {which: debounced.on for which, debounced in self._debounced.items()}

    def take(self, seconds: float) -> list[Change]:
        """Return what has changed; wait for the first change, at most so long."""
        deadline = self._monotonic() + seconds
        while True:
            edges, woken = self._wait(deadline)
            changes = [change for edge in edges for change in self._see(*edge)]
            now = self._monotonic()
            if not self._closed:
                changes += [change for which in self._devices for change in self._see(which, self._level(which), now)]
            if changes or woken or now >= deadline:
                return sorted(changes, key=lambda change: change.at)

    def wake(self) -> None:
        """Let `take` return at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self) -> None:
        """Give the pins back. May be called again."""
        with self._changed:
            self._closed = self._woken = True
            self._changed.notify()
        for _, device in self._devices.values():
            device.close()
        if self._own_factory is not None:
            self._own_factory.close()
        atexit.unregister(self.close)

    def _wait(self, deadline: float) -> tuple[list[tuple[Input, bool, float]], bool]:
        """Waits for an edge, for a level that becomes stable, for being woken, or for the deadline."""
        due = min((each.due for each in self._debounced.values() if each.due is not None), default=deadline)
        with self._changed:
            self._changed.wait_for(lambda: self._edges or self._woken, max(0.0, min(due, deadline) - self._monotonic()))
            edges, self._edges = self._edges, []
            woken, self._woken = self._woken, self._closed
        return edges, woken

    def _edge(self, which: Input, on: bool) -> None:  # noqa: FBT001 - a callback of gpiozero
        at = self._monotonic()
        with self._changed:
            self._edges.append((which, on, at))
            self._changed.notify()

    def _see(self, which: Input, on: bool, at: float) -> list[Change]:  # noqa: FBT001 - as edges have it
        debounced = self._debounced[which]
        began = debounced.see(at, on=on)
        return [] if began is None else [Change(which, debounced.on, began)]

    def _level(self, which: Input) -> bool:
        wire, device = self._devices[which]
        try:
            high = bool(device.pin.state)
        except pin_errors() as error:
            raise HardwareError(f"GPIO {wire.pin} ({wire.input}) cannot be read: {error}") from error
        return high == wire.on_when_high


def _device(wire: Wire, pull: str, factory: Any) -> Any:
    pulled = {"up": True, "down": False, "none": None}[pull]
    try:
        return gpiozero.DigitalInputDevice(
            wire.pin, pull_up=pulled, active_state=True if pulled is None else None, pin_factory=factory
        )
    except pin_errors() as error:
        raise HardwareError(f"GPIO {wire.pin} ({wire.input}) cannot be used: {error}") from error
