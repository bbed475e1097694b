"""A relay on the Raspberry Pi's pins, through gpiozero.

What the relay does when this program ends:

* asked to stop, or an error nobody caught: `close`, at the latest from atexit, locks.
* killed (SIGKILL, watchdog, out of memory, crash in C): nothing of ours runs. Raspberry Pi OS then leaves the pin as
  it was driven, so an open door would stay open
  (https://www.raspberrypi.com/documentation/computers/os.html, GPIO, `persist_gpio_outputs`). So the unit's
  ExecStopPost makes this door once more and closes it, before the restart; and `dtparam=strict_gpiod` in config.txt
  makes the kernel let go of the pin by itself.
* power on, until this program starts: GPIO 0-8 are pulled up and 9-27 pulled down by about 50 kOhm
  (BCM2835 ARM Peripherals, table 6-31; kept by later chips). And a pin that is given back floats.
  So fit a resistor (10 kOhm) that pulls the pin to its locked level.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable
from typing import Any

import gpiozero

from agent.errors import HardwareError
from agent.hardware.doors import DoorOptions
from agent.hardware.doors.relock import Relock
from agent.hardware.pins import chosen_factory, pin_errors

log = logging.getLogger(__name__)

FIRST_PULLED_DOWN = 9  # GPIO 0-8 are pulled up at power on


class GpioDoor:
    """A door whose lock hangs on one relay.

    Args:
        options: `pin`, `active_high`, `max_open_seconds`.
        pin_factory: gpiozero's way to the pins. Without one: the one set in gpiozero or named by
            GPIOZERO_PIN_FACTORY, else lgpio; never another one because that failed.
        monotonic: seconds, from any zero.

    Raises:
        HardwareError: no pins here, no such pin, or it is in use.
    """

    def __init__(
        self,
        options: DoorOptions,
        *,
        pin_factory: Any = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _warn_of_power_on(options)
        self._pin = options.pin
        self._own_factory = chosen_factory("the door 'gpio'") if pin_factory is None else None
        try:
            self._relay = gpiozero.OutputDevice(
                options.pin,
                active_high=options.active_high,
                initial_value=False,
                pin_factory=pin_factory or self._own_factory,
            )
        except pin_errors() as error:
            if self._own_factory is not None:
                self._own_factory.close()
            raise HardwareError(f"GPIO {options.pin} cannot be used: {error}") from error
        self._relock = Relock(self._switch, max_open_seconds=options.max_open_seconds, monotonic=monotonic)
        atexit.register(self.close)

    @property
    def unlocked(self) -> bool:
        """Whether the relay is driven to unlock."""
        return self._relock.unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock, return at once, and lock again by itself."""
        self._relock.pulse(seconds)

    def hold(self, *, unlocked: bool) -> None:
        """Keep it unlocked, or lock it now."""
        self._relock.hold(unlocked=unlocked)

    def close(self) -> None:
        """Lock, then give the pin back. May be called again."""
        try:
            self._relock.close()
        finally:
            self._relay.close()
            if self._own_factory is not None:
                self._own_factory.close()
            atexit.unregister(self.close)

    def _switch(self, unlocked: bool) -> None:  # noqa: FBT001 - a switch has one position to be told
        try:
            self._relay.value = unlocked
        except pin_errors() as error:
            raise HardwareError(f"the relay on GPIO {self._pin} does not obey: {error}") from error


def _warn_of_power_on(options: DoorOptions) -> None:
    pulled_up = options.pin < FIRST_PULLED_DOWN
    if pulled_up == options.active_high:
        log.warning(
            "GPIO %d is pulled towards unlocked while the Pi starts: take one of %s, or fit a resistor",
            options.pin,
            "9 to 27" if options.active_high else "0 to 8",
        )
