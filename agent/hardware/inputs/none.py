"""No inputs: a door that is told nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from agent.errors import ConfigError
from agent.hardware.inputs import Change, Input, InputsOptions


class NoInputs:
    """Waits, and has nothing to say.

    Args:
        options: without wires.

    Raises:
        ConfigError: there are wires, which nobody would look at.
    """

    def __init__(self, options: InputsOptions) -> None:
        if options.wires:
            raise ConfigError(f"[inputs] has a pin for the {options.wires[0].input} but backend = 'none': want 'gpio'")
        self._woken = threading.Event()

    @property
    def state(self) -> Mapping[Input, bool]:
        """Nothing is there."""
        return {}

    def take(self, seconds: float) -> list[Change]:
        """Wait so long, or until woken."""
        self._woken.wait(seconds)
        self._woken.clear()
        return []

    def wake(self) -> None:
        """Let `take` return."""
        self._woken.set()

    def close(self) -> None:
        """Let `take` return."""
        self._woken.set()
