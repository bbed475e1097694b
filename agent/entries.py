"""What is written of a decision, in one transaction: its event, how people stand now, the punch, the alarms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.access.holder import Standing
from agent.access.rules import Rules
from agent.attendance.classify import LOOK_BACK, classify
from agent.attendance.punch import Clock, Punch
from agent.bodies import alarm_body, punch_body
from agent.labels import Labels
from agent.store import events, punches, standings
from agent.store.db import Db
from agent.types import Decision, Event, Outcome


@dataclass(frozen=True, slots=True)
class Place:
    """Where events come from."""

    site: str
    device: str


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Called by the recorder, in the transaction of the decision's event: see `agent.recorder.Also`."""

    decision: Decision
    place: Place
    rules: Rules  # in force when it was decided
    labels: Labels
    clock: Clock
    standings: Mapping[str, Standing] = field(default_factory=dict)
    uptime: float = field(default_factory=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))  # seconds

    def __call__(self, db: Db, access: Event) -> Sequence[Event]:
        """Writes them; returns the events beside `access`."""
        standings.save(db, self.standings)
        alarms = [self._alarm(db, access, alarm) for alarm in self.decision.alarms]
        return alarms + [self._punch(db, access, person) for person in self._punching()]

    def _punching(self) -> tuple[str, ...]:
        """Returns who comes or goes by this."""
        decision = self.decision
        granted = decision.outcome is Outcome.GRANTED and not decision.repeat and decision.person is not None
        if not (granted and self.rules.attendance.enabled):
            return ()
        return tuple(person for person in (decision.companion, decision.person) if person is not None)

    def _punch(self, db: Db, access: Event, person: str) -> Event:
        """Returns the event of a punch; its type follows from what was punched before."""
        at = access.at
        last = punches.counted(db, at - LOOK_BACK, at, person)
        key = self.decision.key if person == self.decision.person else None
        made = classify(self.rules, self.place.device, last, at, key)
        body = punch_body(made, person, key=key, access=access.id, uptime=self.uptime, clock=self.clock)
        event = events.append(db, "attendance", at, access.boot_id, body | self.labels.of(person))
        punch = Punch(
            id=event.id,
            person=person,
            at=at,
            type=made.type,
            key=key,
            job=made.job,
            by=made.by,
            repeat=made.repeat,
            site=self.place.site,
            device=self.place.device,
            boot_id=access.boot_id,
            uptime=self.uptime,
            clock=self.clock,
        )
        punches.append(db, punch)
        return event

    def _alarm(self, db: Db, access: Event, alarm: str) -> Event:
        decision = self.decision
        body = alarm_body(alarm, raised=True, person=decision.person, access=access.id, clock=self.clock)
        return events.append(db, "alarm", access.at, access.boot_id, body | self.labels.of(decision.person))
