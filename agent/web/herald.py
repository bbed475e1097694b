"""Tells the browsers what happens: a worker of its own, so that neither the door nor the recorder waits for a name."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from agent.attendance.punch import Clock
from agent.config import Config
from agent.doorman import DoorReport
from agent.entrance import Entrance
from agent.errors import StoreError
from agent.guidance import OVER, Guidance
from agent.reports.basis import own_hours
from agent.store.db import Db
from agent.store.people import get_person
from agent.types import Decision, Event, Outcome
from agent.web import news
from agent.web.audience import Audience

log = logging.getLogger(__name__)

STEP_SECONDS: Final = 0.2
BEAT_SECONDS: Final = 2.0  # between two states; a page that hears none for three of them says so
WAITING: Final = 64  # decisions and punches; what is older was of somebody who has gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What there is to be told of."""

    entrance: Entrance
    door: Callable[[], DoorReport]
    online: Callable[[], bool]  # whether the broker is there; True where none is wanted
    face: Callable[[], dict[str, Any] | None]  # where the nearest face is, where that is news


class Herald:
    """A worker's step. `decided` and `recorded` may be called from any thread, and return at once.

    Args:
        config: of the device.
        sources: to tell of.
        db: to read names and hours from; used by this worker alone.
        audience: to tell.
        about: the page: what never changes while the agent runs.
    """

    def __init__(self, config: Config, sources: Sources, db: Db, audience: Audience, about: dict[str, Any]) -> None:
        self._config, self._sources, self._db, self._audience = config, sources, db, audience
        self._about = about
        self._waiting: deque[Decision | Event | Guidance] = deque(maxlen=WAITING)
        self._news = threading.Event()
        self._visit = 0
        self._guidance: Guidance | None = None
        self._person: str | None = None  # of this visit, where somebody was let in
        self._told: dict[str, Any] = {}
        self._due = 0.0

    def decided(self, decision: Decision) -> None:
        """A decision was made."""
        self._waiting.append(decision)
        self._news.set()

    def recorded(self, event: Event) -> None:
        """An event was recorded."""
        if event.kind == "attendance":
            self._waiting.append(event)
            self._news.set()

    def guided(self, guidance: Guidance) -> None:
        """Somebody is being enrolled, and is to do something."""
        self._guidance = None if guidance.hint == OVER else guidance
        self._waiting.append(guidance)
        self._news.set()

    def step(self) -> None:
        """Waits a little, and tells what is new."""
        self._news.wait(STEP_SECONDS)
        self._news.clear()
        while self._waiting:
            each = self._waiting.popleft()
            match each:
                case Decision():
                    self._tell_decision(each)
                case Event():
                    self._tell_punch(each)
                case Guidance():
                    self._audience.publish(news.guided(each))
        if len(self._audience) and (face := self._sources.face()) is not None:
            self._audience.publish(face)
        self.tell_state()

    def tell_state(self) -> None:
        """Tells how the door and the device are, when that changes and now and then."""
        state = self._state()
        if state != self._told or time.monotonic() >= self._due:
            self._told, self._due = state, time.monotonic() + BEAT_SECONDS
            self._audience.publish(state | {"now": round(time.time() * 1e3)}, state=True)

    def _tell_decision(self, decision: Decision) -> None:
        self._visit += 1
        self._person = decision.person if decision.outcome is Outcome.GRANTED else None
        entrance, person = self._sources.entrance, decision.person
        holder = entrance.keeper.register.people.get(person) if person is not None else None
        own = holder.factors if holder else None
        self._audience.publish(news.result(decision, self._visit, entrance.rules(), self._called(person), own))

    def _tell_punch(self, event: Event) -> None:
        if event.body["person"] == self._person:
            self._audience.publish(news.punched(event, self._visit, self._hours(event)))

    def _called(self, person: str | None) -> str | None:
        """Returns what somebody is called on the screen."""
        way = self._config.web.names
        if person is None or way == "none":
            return None
        if way == "number":
            holder = self._sources.entrance.keeper.register.people.get(person)
            return holder.badge if holder else None
        try:
            found = get_person(self._db, person)
        except StoreError as error:
            log.warning("a name cannot be read for the screen: %s", error)
            return None
        return (found.name or found.id) if found else None

    def _hours(self, event: Event) -> dict[str, Any] | None:
        if not self._config.web.hours or self._person is None:
            return None
        try:
            return own_hours(self._db, self._sources.entrance.keeper.rules, self._person, event.at)
        except StoreError as error:
            log.warning("hours cannot be read for the screen: %s", error)
            return None

    def _state(self) -> dict[str, Any]:
        sources, device = self._sources, self._config.device.name
        entrance, rules, door = sources.entrance, sources.entrance.keeper.rules, sources.door()
        return self._about | {
            "kind": "state",
            "zone": rules.zone.key,
            "mode": entrance.mode.value,
            "locked": door.locked,
            "contact": door.contact,
            "begins": sorted({way[0].value for way in entrance.rules().factors.ways if way}),
            "key_seconds": entrance.rules().factor_seconds,
            "guide": None if self._guidance is None else news.guided(self._guidance),
            "keys": news.keys(rules.attendance, device),
            "online": sources.online(),
            "clock_set": entrance.clock() is not Clock.UNSYNCHRONISED,
            "recording": entrance.recorder.healthy,
        }
