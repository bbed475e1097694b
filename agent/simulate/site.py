"""Replays a script at the doors of a site: every door hears the others, and who is let in has punched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from agent.access.around import Around, Passage
from agent.access.keypad import parse as typed
from agent.access.rules import Mode, Rules
from agent.attendance.classify import LOOK_BACK, classify
from agent.attendance.days import logical_day
from agent.attendance.plan import Employee
from agent.attendance.punch import Clock, Punch
from agent.attendance.timesheet import timesheets
from agent.reports.basis import Attendance
from agent.simulate.door import PULSE_SECONDS, SimulatedDoor
from agent.simulate.outcome import Decided, Noted, Replayed
from agent.simulate.read import credential_options
from agent.simulate.script import Change, Script, Step
from agent.types import Credential, Match, Outcome, Reason, Sighting

_TICK = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_THRESHOLD = 0.5  # cosine, of faces that are not there


def replay(script: Script, rules: Rules) -> Replayed:
    """Returns what comes of a script: each decision, what the doors do, and the timesheets at the end."""
    site = _Site(script, rules)
    for step in script.steps:
        site.wait_until(step.at)
        site.take(step)
    site.wait_until(site.at + site.patience)
    return Replayed(tuple(site.told), site.attendance())


class _Site:
    """All doors, and the clock."""

    def __init__(self, script: Script, rules: Rules) -> None:
        self.at = script.steps[0].at
        self.told: list[Decided | Noted] = []
        self._rules, self._register = rules, script.register
        self._began = self.at
        self._punches: dict[str, list[Punch]] = defaultdict(list)
        self._unheard: list[tuple[str, str, Passage]] = []  # from, to
        self._doors = {
            name: SimulatedDoor(
                name,
                rules,
                script.register,
                began=self.at,
                contact=name in script.contacts,
                tell=self._tell,
            )
            for name in script.doors
        }
        limits = [rules.door(name) for name in self._doors]
        seconds = max(max(door.factor_seconds, door.signature_seconds, door.two_person_seconds) for door in limits)
        self.patience = timedelta(seconds=seconds) + _TICK
        self._watches = any(door.unlocked is not None for door in limits)
        self._tick()

    def wait_until(self, at: datetime) -> None:
        """Lets time pass as the doors see it: second by second while somebody may be waited for."""
        busy_until = self.at + self.patience
        while self.at < at:
            self.at = min([at, *self._wake_ups(busy_until)])
            self._tick()

    def take(self, step: Step | Change) -> None:
        """One line happens."""
        if isinstance(step, Change):
            self._register = step.register
            for door in self._doors.values():
                door.keeper.register = step.register
            return
        door = self._doors[step.door]
        around = self._around(door)
        if step.verb in {"card", "pin", "key", "types"}:
            door.show(_credential(step), around)
        elif step.verb in {"online", "offline", "storage", "clock"}:
            _set(door, step)
        elif step.verb in {"opens", "closes"}:
            door.contact(around, opened=step.verb == "opens")
        elif step.verb == "exit":
            door.exit(around)
        elif step.verb == "mode":
            door.set_mode(None if step.words[0] == "rules" else Mode(step.words[0]), around)
        else:
            door.see(_sighting(step), around)
        self._tick()

    def attendance(self) -> Attendance:
        """Returns the timesheets of the days that have been."""
        zone, starts = self._rules.zone, self._rules.attendance.day_starts
        first, last = logical_day(self._began, zone, starts), logical_day(self.at, zone, starts)
        people = {
            holder.id: Employee(holder.groups, holder.valid_from, holder.valid_to)
            for holder in self._register.people.values()
        }
        punches = [punch for each in self._punches.values() for punch in each]
        sheets = timesheets(punches, self._rules, first, last, people=people, at=self.at)
        return Attendance(first, last, self._rules, {}, tuple(sheets), self.at)

    def _wake_ups(self, busy_until: datetime) -> Iterable[datetime]:
        if self.at < busy_until:
            yield self.at + _TICK
        elif self._watches:  # a schedule begins and ends on a minute
            yield self.at.replace(second=0, microsecond=0) + _MINUTE
        for door in self._doors.values():
            due = door.deadline(self.at)
            if due is not None:
                yield self.at + timedelta(seconds=max(due, 1e-3))

    def _tick(self) -> None:
        for door in self._doors.values():
            door.tick(self._around(door))
        self._spread()

    def _spread(self) -> None:
        """Each door tells the others who went through; it is heard once both are online."""
        for door in self._doors.values():
            for passage in door.take_passages():
                self._unheard += [(door.name, other, passage) for other in self._doors if other != door.name]
        unheard, self._unheard = self._unheard, []
        for source, target, passage in unheard:
            if self._doors[source].online and self._doors[target].online:
                self._doors[target].keeper.hear(passage)
            else:
                self._unheard.append((source, target, passage))

    def _around(self, door: SimulatedDoor) -> Around:
        others = [other for other in self._doors.values() if other is not door]
        heard = [other for other in others if door.online and other.online]
        return Around(
            self.at,
            clock_ok=door.clock is not Clock.UNSYNCHRONISED,
            storage_ok=door.storage_ok,
            open_without_storage=door.open_without_storage,
            open_doors=frozenset(other.name for other in heard if other.open),
            silent=frozenset(other.name for other in others if other not in heard),
            pulse_seconds=PULSE_SECONDS,
        )

    def _tell(self, told: Decided | Noted) -> None:
        if isinstance(told, Decided) and told.decision.outcome is Outcome.GRANTED and not told.decision.repeat:
            told = replace(told, punches=tuple(self._punch(told)))
        self.told.append(told)

    def _punch(self, told: Decided) -> Iterable[Punch]:
        """Whoever is let in has punched."""
        if not self._rules.attendance.punches_at(told.door):
            return
        for person in (told.decision.companion, told.decision.person):
            if person is None:
                continue
            last = [punch for punch in self._punches[person] if punch.at >= told.at - LOOK_BACK]
            found = classify(self._rules, told.door, last, told.at, told.decision.key)
            number = sum(len(each) for each in self._punches.values())
            punch = Punch(
                f"{number + 1:06}",
                person,
                told.at,
                found.type,
                told.decision.key,
                found.job,
                found.by,
                found.repeat,
                device=told.door,
                clock=self._doors[told.door].clock,
            )
            self._punches[person].append(punch)
            yield punch


def _set(door: SimulatedDoor, step: Step) -> None:
    """What is around a door becomes another."""
    if step.verb == "storage":
        door.storage_ok, door.open_without_storage = step.words[0] == "ok", step.words[1:] == ("open",)
    elif step.verb == "clock":
        door.clock = Clock(step.words[0])
    else:
        door.online = step.verb == "online"


def _credential(step: Step) -> Credential:
    """What the keypad or the reader would have sent."""
    if step.verb == "types":
        return typed(step.words[0], step.at)
    return Credential(step.at, **(credential_options(step.verb, step.words) or {}))


def _sighting(step: Step) -> Sighting:
    """What the gate would have said."""
    person = step.words[0] if step.verb == "face" else None
    reason = Reason.MATCH if person else Reason(step.verb)
    compared = reason in {Reason.MATCH, Reason.UNKNOWN}
    match = Match(person, 0.7 if person else 0.3, None, 2.0) if compared else None
    return Sighting(
        step.at,
        step.door,
        step.line,
        reason,
        person,
        match,
        _THRESHOLD,
        shots=2,
        agreeing=2 if person else 0,
        quality=None,
        detail="",
        repeat=step.words[1:] == ("again",),
    )
