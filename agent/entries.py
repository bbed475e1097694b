"""What is written of a decision, in one transaction: its event, how people stand now, the punch, the alarms."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.access.holder import Standing
from agent.access.rules import Rules
from agent.attendance.punch import Clock
from agent.bodies import alarm_body
from agent.clock import kernel_boot_id
from agent.labels import Labels
from agent.store import events
from agent.store.db import Db
from agent.store.standings import save_standings
from agent.timeclock import Terminal, punch
from agent.types import Decision, Event, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Called by the recorder, in the transaction of the decision's event: see `agent.recorder.Also`."""

    decision: Decision
    site: str
    device: str
    rules: Rules  # in force when it was decided
    labels: Labels
    clock: Clock
    standings: Mapping[str, Standing] = field(default_factory=dict)
    uptime: float = field(default_factory=lambda: time.clock_gettime(time.CLOCK_BOOTTIME))  # seconds

    def __call__(self, db: Db, access: Event) -> Sequence[Event]:
        """Writes them; returns the events beside `access`."""
        save_standings(db, self.standings)
        alarms = [self._alarm(db, access, alarm) for alarm in self.decision.alarms]
        made = [self._punch(db, access, person) for person in self._punching()]
        return alarms + [event for event in made if event is not None]

    def _punching(self) -> tuple[str, ...]:
        """Returns who comes or goes by this."""
        decision = self.decision
        if decision.outcome is not Outcome.GRANTED or (decision.repeat and decision.key is None):
            return ()  # the same visit, unless its key was pressed only now
        return tuple(person for person in (decision.companion, decision.person) if person is not None)

    def _punch(self, db: Db, access: Event, person: str) -> Event | None:
        made = punch(
            db,
            self.rules,
            Terminal(self.site, self.device, access.boot_id, kernel_boot_id()),
            person,
            access.at,
            key=self.decision.key if person == self.decision.person else None,
            uptime=self.uptime,
            clock=self.clock,
            more={"access": access.id, **self.labels.of(person)},
        )
        return None if made is None else events.find(db, made.id)

    def _alarm(self, db: Db, access: Event, alarm: str) -> Event:
        decision = self.decision
        body = alarm_body(alarm, raised=True, person=decision.person, access=access.id, clock=self.clock)
        return events.append(db, "alarm", access.at, access.boot_id, body | self.labels.of(decision.person))
