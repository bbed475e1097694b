"""One door of a simulation: its doorkeeper and its lock, and what is around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.access.around import Around, Passage
from agent.access.doorkeeper import Doorkeeper
from agent.access.effects import Cleared, Effects, NotPassed, Passed, Raised
from agent.access.holder import Register
from agent.access.latch import LockSettings
from agent.access.lock import Lock
from agent.access.rules import Mode, Rules
from agent.attendance.punch import Clock
from agent.simulate.outcome import Decided, Noted
from agent.simulate.people import digest
from agent.types import Credential, Decision, Outcome, Sighting

PULSE_SECONDS = 5.0  # where the rules say nothing


class SimulatedDoor:
    """Takes what happens here; says what comes of it through `tell`."""

    def __init__(
        self,
        name: str,
        rules: Rules,
        register: Register,
        *,
        began: datetime,
        contact: bool,
        tell: Callable[[Decided | Noted], None],
    ) -> None:
        """Starts closed and locked.

        Args:
            name: in the rules.
            rules: of the site.
            register: the people.
            began: when.
            contact: whether it has one.
            tell: hears of decisions and of what the lock does.
        """
        self.name = name
        self.online = True
        self.clock = Clock.SYNCHRONISED
        self.storage_ok, self.open_without_storage = True, False
        self._began, self._tell = began, tell
        self.keeper = Doorkeeper(
            name,
            rules,
            register,
            standings={},
            mode=None,
            opened_on=None,
            check_pin=lambda pin, own: pin == own,
            digest=digest,
        )
        self._lock = Lock(LockSettings(), at=0.0, contact=False if contact else None)
        self._kept = False

    @property
    def open(self) -> bool:
        """Whether the contact says so."""
        return bool(self._lock.contact)

    def deadline(self, at: datetime) -> float | None:
        """Returns the seconds from `at` on until the lock has something to say."""
        due = self._lock.deadline
        return None if due is None else due - self._seconds(at)

    def tick(self, around: Around) -> None:
        """Time has passed."""
        for decision in self.keeper.tick(around):
            self._decided(decision, around)
        self._follow(self._lock.tick(self._seconds(around.at)), around)
        self._keep(around)

    def see(self, sighting: Sighting, around: Around) -> None:
        """A face was seen."""
        self._decided(self.keeper.see(sighting, around), around)

    def show(self, credential: Credential, around: Around) -> None:
        """Something came from the keypad or the reader."""
        self._decided(self.keeper.show(credential, around), around)

    def set_mode(self, mode: Mode | None, around: Around) -> None:
        """A command changed the mode."""
        self.keeper.set_mode(mode)
        self._tell(Noted(around.at, self.name, "mode", self.keeper.mode))
        self._keep(around)

    def contact(self, around: Around, *, opened: bool) -> None:
        """The door was opened or closed."""
        seconds = self._seconds(around.at)
        self._follow(self._lock.opened(seconds) if opened else self._lock.closed(seconds), around)

    def exit(self, around: Around) -> None:
        """The exit button was pressed."""
        self._follow(self._lock.exit_pressed(self._seconds(around.at)), around)

    def take_passages(self) -> list[Passage]:
        """Returns what the other doors have to hear."""
        return self.keeper.take_passages()

    def _decided(self, decision: Decision | None, around: Around) -> None:
        if decision is None:
            return
        self._tell(Decided(around.at, self.name, decision))
        if change := self.keeper.take_mode_change():
            self._tell(Noted(around.at, self.name, "mode", change.mode))
        if decision.outcome is Outcome.GRANTED:
            effects = self._lock.grant(self._seconds(around.at), decision.seconds, decision.person)
            self._follow(effects, around)
        self._keep(around)

    def _keep(self, around: Around) -> None:
        """The lock follows the mode."""
        kept = self.keeper.unlocked(around)
        seconds = self._seconds(around.at)
        self._follow(self._lock.lock_down(seconds, on=self.keeper.mode is Mode.LOCKED_DOWN), around)
        self._follow(self._lock.keep(seconds, unlocked=kept), around)
        if kept is not self._kept:
            self._kept = kept
            self._tell(Noted(around.at, self.name, "unlocked" if kept else "locked", self.keeper.mode))

    def _follow(self, effects: Effects, around: Around) -> None:
        for effect in effects:
            if isinstance(effect, Passed):
                self.keeper.passed(effect.people, around)
            elif isinstance(effect, NotPassed):
                self._tell(Noted(around.at, self.name, "not_passed", ", ".join(effect.people)))
            elif isinstance(effect, Raised):
                self._tell(Noted(around.at, self.name, "alarm", effect.alarm))
            elif isinstance(effect, Cleared):
                self._tell(Noted(around.at, self.name, "cleared", effect.alarm))

    def _seconds(self, at: datetime) -> float:
        return (at - self._began).total_seconds()
