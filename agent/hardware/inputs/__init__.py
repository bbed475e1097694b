"""Inputs of the door: the contact, the exit button, the switch that notices when the case is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias


class Input(StrEnum):
    """What there may be, and what it means that it is on."""

    CONTACT = "contact"  # on: the door is open
    EXIT_BUTTON = "exit_button"  # on: somebody presses it
    TAMPER = "tamper"  # on: the case is open


@dataclass(frozen=True, slots=True)
class Change:
    """An input is another than it was."""

    input: Input
    on: bool
    at: float  # monotonic seconds, when the level changed that has been stable since


class Inputs(Protocol):
    """Inputs that are wired, debounced."""

    @property
    def state(self) -> Mapping[Input, bool]:
        """Those that are there, and whether each is on."""
        ...

    def take(self, seconds: float) -> list[Change]:
        """Return what has changed, in order; wait for the first change, at most so long.

        Raises:
            HardwareError: a pin cannot be read any more.
        """
        ...

    def wake(self) -> None:
        """Let `take` return at once; from any thread."""
        ...

    def close(self) -> None:
        """Give the pins back; nothing changes any more. May be called again."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """One input at its pin.

    Args:
        input: what it is.
        pin: GPIO (BCM) number.
        on_when_high: whether the pin is high when the input is on.
    """

    input: Input
    pin: int
    on_when_high: bool


@dataclass(frozen=True, slots=True)
class InputsOptions:
    """What inputs are told.

    Args:
        wires: those that are there.
        pull: the resistor in the chip that gives an open wire its level.
        debounce_seconds: a level counts once it has been stable for so long.
    """

    wires: tuple[Wire, ...] = ()
    pull: Literal["up", "down", "none"] = "up"
    debounce_seconds: float = 0.05


OpenInputs: TypeAlias = Callable[[InputsOptions], Inputs]
"""How inputs are made: the class behind a name in the table of backends."""
