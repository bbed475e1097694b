"""The rules of a site as values: what `agent.rulebook` makes of the text that people write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from agent.access.factors import FACE, Factors
from agent.access.schedule import ALWAYS, Calendar, Schedule
from agent.attendance.rules import AttendanceRules
from agent.types import Shown

UTC_ZONE = ZoneInfo("UTC")
EVERYBODY = "*"
"""In a grant's place of a group: whoever is enrolled."""
EVERY_DOOR = "*"


class Mode(StrEnum):
    """What a door does beside asking who is there."""

    NORMAL = "normal"
    LOCKED_DOWN = "locked_down"  # nobody gets in; the exit button still works
    FREE_ACCESS = "free_access"  # unlocked for everybody until the mode is changed
    SCHEDULED = "scheduled"  # as normal, and unlocked by `DoorRules.unlocked`
    FIRST_PERSON = "first_person"  # as normal, and unlocked in `unlocked` once somebody who may has come


class AntiPassback(StrEnum):
    """What happens to somebody who enters a zone twice without leaving it, or leaves without having entered."""

    OFF = "off"
    SOFT = "soft"  # let in, with an alarm
    HARD = "hard"  # denied
    TIMED = "timed"  # denied for `Zone.seconds` after the last time


@dataclass(frozen=True, slots=True)
class Zone:
    """An area whose doors know of each other who is inside."""

    name: str
    anti_passback: AntiPassback = AntiPassback.OFF
    seconds: float = 0.0  # of TIMED
    forget_hours: float = 24.0  # whoever was seen last longer ago may be anywhere
    silent_peers_deny: bool = False  # what to do where another door of the zone cannot be heard
    exempt: frozenset[str] = frozenset()  # groups


@dataclass(frozen=True, slots=True)
class DoorRules:
    """One door."""

    name: str  # of the device
    factors: Factors = FACE
    factors_in: tuple[tuple[str, Factors], ...] = ()  # in this schedule, these; the first that holds
    mode: Mode = Mode.NORMAL  # until somebody changes it
    unlocked: str | None = None  # a schedule, for the modes SCHEDULED and FIRST_PERSON
    modes_by: frozenset[str] = frozenset({"cli", "mqtt"})  # who may change the mode: these two, and groups
    two_person: str | None = None  # a schedule in which two are needed
    two_person_seconds: float = 20.0  # for the second to come
    factor_seconds: float = 15.0  # for the PIN, card or face that is asked for
    signature_seconds: float = 30.0  # for the signature
    enters: str | None = None  # a zone; "" leads outside; None: no zone
    leaves: str | None = None  # the zone on this side
    passes_on_opening: bool = False  # a granted person is through when the contact opens, not on the grant already
    interlock: tuple[str, ...] = ()  # doors that have to be closed
    pulse_seconds: float | None = None  # None: as configured on the device
    extended_seconds: float = 15.0  # for people who need more time
    pin_every_hours: float | None = None  # a PIN is asked for after so long without one
    failures: int = 5  # wrong PINs or cards in a row until a lock-out
    lockout_seconds: float = 30.0  # the first; doubled each time
    longest_lockout_seconds: float = 3600.0

    def seconds_to_show(self, what: Shown | None = None) -> float:
        """Returns how long somebody has to show what is asked for: to write one's name takes longer than all else."""
        return self.signature_seconds if what is Shown.SIGNATURE else self.factor_seconds


@dataclass(frozen=True, slots=True)
class Grant:
    """These groups may go through these doors in this schedule."""

    groups: frozenset[str]  # EVERYBODY: whoever is enrolled
    doors: frozenset[str]  # EVERY_DOOR: each
    schedule: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a site. Compiled: names are known to exist. Looking up costs no search over all grants."""

    version: int  # 0: none were ever given, everybody enrolled may, at any time
    calendar: Calendar
    zone: ZoneInfo = UTC_ZONE
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    doors: Mapping[str, DoorRules] = field(default_factory=dict)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)  # by group, or EVERYBODY
    attendance: AttendanceRules = field(default_factory=AttendanceRules)

    def door(self, name: str) -> DoorRules:
        """Returns the rules of a door; the defaults for one that is not mentioned."""
        return self.doors.get(name) or DoorRules(name)

    def schedule(self, name: str) -> Schedule:
        """Returns a schedule by its name; `always` is there without being defined."""
        return ALWAYS if name == ALWAYS.name else self.schedules[name]

    def neighbours(self, name: str) -> frozenset[str]:
        """Returns the doors whose news count at this one: of its zones, and of its interlock."""
        here = self.door(name)
        zones = {zone for zone in (here.enters, here.leaves) if zone}
        shared = {other for other, door in self.doors.items() if zones & {door.enters, door.leaves}}
        return frozenset(shared | set(here.interlock)) - {name}
