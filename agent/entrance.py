"""What happens at the door: who is seen or shows something becomes a decision; the door hears of it first.

    vision: sighting ──┐
    reader, MQTT: ─────┤ credential      ┌──► Doorman: the relay, at once
    link: passage ─────┼──► Doorkeeper ──┼──► Recorder: event, standings, punch, alarms in one transaction
    worker: time ──────┘   (one lock)    └──► the zone's other doors

One lock around the `Doorkeeper`, for all threads; nothing is waited for while it is held, but for the scrypt of a PIN.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.access.around import Around, Passage
from agent.access.doorkeeper import Doorkeeper
from agent.access.effects import Cleared, Effect, Passed, Raised
from agent.access.holder import Standing
from agent.access.rules import DoorRules, Mode
from agent.attendance.punch import Clock
from agent.bodies import access_body, alarm_body
from agent.clock import clock_state
from agent.config import Config
from agent.doorman import Doorman
from agent.ears import Ears
from agent.entries import Entries
from agent.labels import Labels
from agent.lingering import Lingering
from agent.modes import set_mode
from agent.peers import Peers
from agent.recorder import Recorder
from agent.register import Request
from agent.store.door import mark_opened
from agent.store.standings import save_standings
from agent.tailgating import Followers
from agent.types import Alarm, Credential, Decision, Outcome, Sighting

log = logging.getLogger(__name__)

STEP_SECONDS = 0.2


@dataclass(slots=True, eq=False)
class Entrance:
    """One door of one terminal. All methods may be called from any thread.

    Args:
        config: of the device.
        keeper: decides.
        doorman: works the lock.
        recorder: writes.
        model: id of the encoder, for the events.
        labels: what events say of people beside their ids; replaced when people change.
        peers: other doors of the zone and of the interlock.
        ears: who wants to know.
        now: UTC; of the recording where one is replayed.
    """

    config: Config
    keeper: Doorkeeper
    doorman: Doorman
    recorder: Recorder
    model: str
    labels: Labels
    peers: Peers
    ears: Ears = field(default_factory=Ears)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    followers: Followers = field(init=False)
    lingering: Lingering = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _claim: str | None = None
    _opened_on: str | None = None
    _kept: Mode | None = None

    def __post_init__(self) -> None:
        """Begins with nobody there."""
        self.followers = Followers(lambda: self.alarm(Alarm.TAILGATING, self.now()))
        self.lingering = Lingering(self.ears.look_again)

    def saw(self, sighting: Sighting) -> None:
        """A visit was concluded."""
        with self._lock:
            self._act(self.keeper.see(sighting, self._around()))

    def showed(self, credential: Credential) -> None:
        """A card, a PIN or a key."""
        with self._lock:
            decision = self.keeper.show(credential, self._around())
            self._act(decision)
            if decision is None and credential.key is not None:
                self.ears.key_waits()

    def heard(self, passage: Passage) -> None:
        """Somebody went through another door of the zone."""
        with self._lock:
            self.keeper.hear(passage)

    def change(self, change: Callable[[Doorkeeper], object]) -> None:
        """Has the rules, the people or the mode changed."""
        with self._lock:
            change(self.keeper)
            self.doorman.meet(self.keeper.register.people)
            self.peers.listen_to(self.keeper.rules.neighbours(self.config.device.name))
            self._keep(self._around())

    def set_mode(self, mode: Mode | None) -> None:
        """The mode was set, perhaps to what it is: what a command has locked since counts no longer."""
        self._kept = None
        self.change(lambda keeper: keeper.set_mode(mode))

    def told(self, effect: Effect, at: datetime) -> None:
        """What the doorman tells of the door; from its worker."""
        match effect:
            case Passed(people, others):
                self.followers.passed(people, others=others)
                with self._lock:
                    self.keeper.passed(people, self._around())
                    self._spread()
            case Raised(alarm) | Cleared(alarm):
                self.alarm(alarm, at, raised=isinstance(effect, Raised))

    def alarm(self, alarm: Alarm, at: datetime, *, raised: bool = True, detail: str = "") -> None:
        """Records an alarm of the door."""
        self.recorder.record("alarm", at, alarm_body(alarm, raised=raised, clock=self.clock(), detail=detail))

    def step(self) -> None:
        """Of a worker: time passes."""
        time.sleep(STEP_SECONDS)
        self.tick()

    def tick(self) -> None:
        """Refuses those who did not go on in time, and unlocks or locks as the mode says."""
        with self._lock:
            around = self._around()
            for decision in self.keeper.tick(around):
                self._act(decision)
            for person in self.keeper.take_gone():
                self.ears.look_again(person)
            self._keep(around)
            self.lingering.tick(around, self.keeper.mode)
            self._spread()
            if self.recorder.healthy:  # otherwise they wait here, where they take no room from events
                self._save(self.keeper.take_changes())

    def _save(self, changes: Mapping[str, Standing]) -> None:
        if changes:
            self.recorder.do(lambda db: save_standings(db, changes))

    def clock(self) -> Clock:
        """Returns whether the time can be believed."""
        return clock_state(self.config.clock.synchronised_file)

    @property
    def mode(self) -> Mode:
        """The mode of the door."""
        return self.keeper.mode

    def _around(self) -> Around:
        door = self.config.door
        return Around(
            at=self.now(),
            clock_ok=self.clock() is not Clock.UNSYNCHRONISED,
            storage_ok=self.recorder.healthy,
            open_without_storage=door.on_storage_failure == "open",
            open_doors=self.peers.open(),
            silent=self.peers.silent(),
            pulse_seconds=door.pulse_seconds,
        )

    def _act(self, decision: Decision | None) -> None:
        """The door first, then the record, then whoever wants to know."""
        if decision is None:
            self._follow_claim()
            return
        try:
            if decision.outcome is Outcome.GRANTED:
                for person in filter(None, (decision.companion, decision.person)):
                    self.doorman.grant(decision.seconds, person)
                if decision.person is None:
                    self.doorman.grant(decision.seconds)
                self.followers.granted(decision)
        finally:  # a relay that fails crashes the agent, but not without a trace
            self._record(decision)
        self._follow_claim()
        self._spread()
        self._remember_mode()
        self.lingering.decided(decision)
        self.ears.decided(decision)

    def _record(self, decision: Decision) -> None:
        clock = self.clock()
        labels = self.labels.of(decision.person)
        if decision.outcome is Outcome.PENDING:  # the next tick saves what has changed
            for alarm in decision.alarms:
                body = alarm_body(alarm, raised=True, clock=clock, person=decision.person)
                self.recorder.record("alarm", decision.at, body | labels)
            return
        device, changes = self.config.device, self.keeper.take_changes()
        entries = Entries(decision, device.site, device.name, self.keeper.rules, self.labels, clock, changes)
        body = access_body(decision, model=self.model, clock=clock) | labels
        self.recorder.record("access", decision.at, body, entries)

    def _follow_claim(self) -> None:
        claim = self.keeper.claim
        if claim != self._claim:
            self._claim = claim
            self.ears.claimed(claim)

    def _keep(self, around: Around) -> None:
        """The lock does as the mode says."""
        self._follow_claim()
        mode, door = self.keeper.mode, self.doorman.report()
        self.doorman.lock_down(on=mode is Mode.LOCKED_DOWN)
        self.doorman.keep(unlocked=self.keeper.unlocked(around), anew=mode is not self._kept)
        self._kept = mode
        self.followers.door(is_open=not door.locked if door.contact is None else door.contact == "open")

    def _remember_mode(self) -> None:
        """Has kept what somebody at the door has made of the mode, if it is news."""
        change, opened_on = self.keeper.take_mode_change(), self.keeper.opened_on
        if change is not None:
            request = Request(change.by, change.at, self.recorder.boot_id, clock=self.clock())
            rules, person = self.rules(), self.keeper.register.people[change.by]
            self.recorder.do(lambda db: set_mode(db, change.mode, rules, request, groups=person.groups))
        if opened_on != self._opened_on and opened_on is not None:
            starts_at = datetime.fromisoformat(opened_on)
            self.recorder.do(lambda db: mark_opened(db, starts_at))
        self._opened_on = opened_on
        if change is not None or self.keeper.mode is Mode.FIRST_PERSON:
            self._keep(self._around())

    def rules(self) -> DoorRules:
        """Returns the rules of this door, as they are now."""
        return self.keeper.rules.door(self.config.device.name)

    def whereabouts(self, most: int) -> tuple[Passage, ...]:
        """Returns who is where, the latest first."""
        with self._lock:
            return self.keeper.whereabouts(most)

    def _spread(self) -> None:
        for passage in self.keeper.take_passages():
            self.ears.passed(passage)
