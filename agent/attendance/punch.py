"""Punches as they were made, and what was said about them later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.attendance.rules import PunchType, TypeBy


class Clock(StrEnum):
    """What is known of the clock that a punch was made by."""

    SYNCHRONISED = "synchronised"  # by NTP
    RTC = "rtc"  # a hardware clock that runs on without power: seconds off, not hours
    UNSYNCHRONISED = "unsynchronised"  # neither: hours off where the device has been without power
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Punch:
    """Somebody came, went, or paused."""

    id: str  # that of its event; of the correction where it was added by one
    person: str
    at: datetime  # UTC
    type: PunchType
    key: str | None = None  # the named key that was pressed
    job: str | None = None  # its job code
    by: TypeBy | None = None  # how the type was found; None: said by an admin
    repeat: bool = False  # within the window of the one before: shown, not counted
    site: str = ""
    device: str = ""
    boot_id: str = ""
    uptime: float = 0.0  # seconds of CLOCK_BOOTTIME when it was made: for re-timing
    clock: Clock = Clock.SYNCHRONISED
    corrected: str | None = None  # id of the correction that made it what it is


@dataclass(frozen=True, slots=True)
class Correction:
    """What an admin says about a punch, or about another correction. The corrected stays as it is.

    `void` takes away what it names: a punch does not count, a correction is withdrawn. Otherwise what is given here
    stands instead of what was there; None leaves it. Where it names nothing, a punch was missing, and `at` and `type`
    are given.
    """

    id: str
    punch: str | None  # id of the punch or correction that it corrects
    person: str
    by: str
    why: str
    made_at: datetime  # UTC
    void: bool = False
    at: datetime | None = None  # UTC, the right time
    type: PunchType | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Punched:
    """What a punch turns out to be."""

    type: PunchType
    by: TypeBy
    job: str | None
    repeat: bool
