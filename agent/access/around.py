"""The world around a door at one moment, as far as deciding needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What holds now. All times of one door are readings of one clock, in the order in which they were read."""

    at: datetime  # UTC: now, not when a picture was taken
    storage_ok: bool = True  # events can be written
    open_without_storage: bool = False  # the policy for when they cannot
    open_doors: frozenset[str] = frozenset()  # other doors that stand open, as far as heard
    silent: frozenset[str] = frozenset()  # other doors of the zones and the interlock that cannot be heard
    pulse_seconds: float = 5.0  # of the device, where the rules say nothing


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went through a door of a zone; the zone's other doors hear of it."""

    person: str
    zone: str  # where the person is now; "" is outside every zone
    at: datetime  # UTC
