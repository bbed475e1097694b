"""What comes out of the lock: what the relay does, and what is told of the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from agent.types import Alarm


@dataclass(frozen=True, slots=True)
class Relay:
    """The relay is to be driven like this now."""

    on: bool  # True releases the lock
    until: float | None = None  # monotonic seconds when it will be off again; None: without a limit, or off


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that was not there."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Cleared:
    """An alarm that was there."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Passed:
    """The door was opened for these people, or is taken to have been where it has no contact."""

    people: tuple[str, ...]  # who was granted, in that order, each once
    others: bool = False  # the exit button or a command released it as well, for nobody knows how many


@dataclass(frozen=True, slots=True)
class NotPassed:
    """These people were granted, and the door was locked again without having been opened."""

    people: tuple[str, ...]


Effect: TypeAlias = Relay | Raised | Cleared | Passed | NotPassed
Effects: TypeAlias = tuple[Effect, ...]
