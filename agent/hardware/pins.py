"""The way to the pins of a Raspberry Pi, the same for what drives them and what reads them."""

from __future__ import annotations

import os
import sys
from typing import Any

from agent.errors import HardwareError
from agent.hardware.backends import missing


def chosen_factory(what: str) -> Any:
    """Return a factory for lgpio, None where somebody chose another one. gpiozero itself would try four in turn.

    Args:
        what: for whom it is, "the door 'gpio'".

    Raises:
        HardwareError: lgpio is not installed, or there are no pins here.
    """
    import gpiozero

    if gpiozero.Device.pin_factory is not None or "GPIOZERO_PIN_FACTORY" in os.environ:
        return None
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise missing(what, error) from error
    try:
        return LGPIOFactory()
    except pin_errors() as error:
        raise HardwareError(
            f"there are no GPIO pins to use here ({error}): is this a Pi, and the group gpio?"
        ) from error


def pin_errors() -> tuple[type[Exception], ...]:
    """Return what gpiozero and the library below it raise."""
    import gpiozero

    lgpio = sys.modules.get("lgpio")
    return (gpiozero.GPIOZeroError, OSError, *([lgpio.error] if lgpio else []))
