"""Doors: what all of them offer, and what all of them are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.errors import ConfigError


class Door(Protocol):
    """A lock. Locked when made and when closed; may be used from several threads."""

    @property
    def unlocked(self) -> bool:
        """Whether it is open for somebody now."""
        ...

    def pulse(self, seconds: float) -> None:
        """Unlock, return at once, and lock again by itself.

        A pulse during a pulse makes it longer, but never beyond `max_open_seconds` after the first one unlocked.

        Raises:
            ValueError: if seconds is not a positive number.
            HardwareError: the relay does not obey, or the door is closed.
        """
        ...

    def hold(self, *, unlocked: bool) -> None:
        """Keep it unlocked until `hold(unlocked=False)` or `close`, without a limit; or lock it now."""
        ...

    def close(self) -> None:
        """Lock it and give the relay back. May be called again."""
        ...


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """What a door is told. Each backend takes what it can use.

    Args:
        pin: of the relay, by its GPIO (BCM) number.
        active_high: whether the relay unlocks when the pin is high.
        max_open_seconds: longest time that pulses together keep the door unlocked.
    """

    pin: int = 17
    active_high: bool = True
    max_open_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a door that could not open."""
        if not self.max_open_seconds > 0:
            raise ConfigError(f"max_open_seconds has to be more than 0, not {self.max_open_seconds}")


OpenDoor: TypeAlias = Callable[[DoorOptions], Door]
"""How a door is made: the class behind a name in the table of backends."""
