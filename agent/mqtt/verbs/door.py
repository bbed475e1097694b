"""Commands about the door: its mode, unlock, lock, hold."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from agent.access.rules import Mode
from agent.mqtt.message import Command, Time

LONGEST_UNLOCK_SECONDS: Final = 3600.0  # the device's own maximum is usually far below


class ModeCommand(Command):
    """Sets the mode of the door, or asks for it."""

    mode: Annotated[Mode, Field(strict=False)] | None = None


class UnlockCommand(Command):
    """Unlocks for a time."""

    momentary: ClassVar[bool] = True

    not_after: Time
    seconds: Annotated[float, Field(gt=0, le=LONGEST_UNLOCK_SECONDS)] | None = None


class HoldCommand(Command):
    """Unlocks until it is locked by command."""

    momentary: ClassVar[bool] = True

    not_after: Time


class LockCommand(Command):
    """Locks now."""


COMMANDS: Final[dict[str, type[Command]]] = {
    "mode": ModeCommand,
    "unlock": UnlockCommand,
    "hold": HoldCommand,
    "lock": LockCommand,
}
