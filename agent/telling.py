"""Tells the broker how the door, the zone and the device are: when it changes, and now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from agent.access.around import Passage
from agent.doorman import DoorReport
from agent.entrance import Entrance
from agent.errors import StoreError
from agent.mqtt import zone
from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.mqtt.telemetry import DoorState, Health, timestamp

log = logging.getLogger(__name__)

STEP_SECONDS: Final = 0.2
ZONE_SECONDS: Final = 10.0  # between two `state/zone`; each passage is told at once


class Telling:
    """A worker's step.

    Args:
        link: to the broker.
        door: how the door is.
        entrance: who is where, and the mode.
        health: how the device is.
        health_seconds: between two of those.
    """

    def __init__(
        self,
        link: Link,
        *,
        door: Callable[[], DoorReport],
        entrance: Entrance,
        health: Callable[[], Health],
        health_seconds: float,
    ) -> None:
        self._link, self._door, self._entrance = link, door, entrance
        self._health, self._seconds = health, health_seconds
        self._told: tuple[DoorReport, str] | None = None
        self._health_due = self._zone_due = 0.0
        self._where: tuple[Passage, ...] = ()
        self._changes = -1  # of what is known of people, when that was looked at

    def step(self) -> None:
        """Waits a little, and tells what is due."""
        time.sleep(STEP_SECONDS)
        self.door()
        self._zone()
        if time.monotonic() >= self._health_due:
            self._health_due = time.monotonic() + self._seconds
            self._tell_health()

    def _tell_health(self) -> None:
        try:
            self._link.publish_health(self._health())
        except StoreError as error:  # it is told the next time
            log.warning("how the device is cannot be told: %s", error)

    def door(self) -> None:
        """Tells of the door what is new."""
        now = self._door(), self._entrance.mode.value
        if now == self._told:
            return
        self._told = now
        report, mode = now
        state = DoorState(
            at=timestamp(datetime.now(UTC)),
            locked=report.locked,
            contact=report.contact,
            mode=mode,
            held=report.held,
            alarms=report.alarms,
            last_opened_by=report.last_opened_by,
        )
        self._link.publish_door_state(state)

    def passed(self, passage: Passage) -> None:
        """Tells other doors at once who went through; from any thread."""
        said = _said(passage)
        if said is None:
            return
        self._link.send(Outgoing(self._link.topics.passage, said.to_json()))

    def _zone(self) -> None:
        """Keeps what a door that comes back will hear: at once where the broker is away, else now and then."""
        changes = self._entrance.keeper.changes
        if changes == self._changes or (self._link.connected and time.monotonic() < self._zone_due):
            return
        self._changes = changes
        where = self._entrance.whereabouts(zone.MOST_PEOPLE)
        if where == self._where:
            return
        self._where, self._zone_due = where, time.monotonic() + ZONE_SECONDS
        people = tuple(said for said in map(_said, where) if said is not None)
        state = zone.ZoneState.model_construct(at=datetime.now(UTC), people=people)
        self._link.send(Outgoing(self._link.topics.zone, state.to_json(), retain=True))


def _said(passage: Passage) -> zone.Passage | None:
    """What other doors are told; nothing by a clock that is centuries off, which they would not believe."""
    try:
        return zone.Passage(person=passage.person, zone=passage.zone, at=passage.at)
    except ValidationError:
        return None
