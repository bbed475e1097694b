"""The doorman: works the relay as the lock says, listens to the inputs, tells what becomes of it.

    grant, commands, mode: any thread ──► Lock ──► relay, at once
    contact, exit button, tamper: the worker ──► Lock ──► relay
    alarms, passages: a queue ──► the worker ──► `told`

Whoever grants drives the relay in the own thread; nothing is told, recorded or waited for before that. All the rest
comes from the worker, in order. If the worker is late, the door's own timer still locks in time.

At the start the door is locked. One that stands open then is not taken for forced: it has to be closed, as after a
grant that is over. A case that is open then is an alarm, and wiped where that is configured: whoever opened it without
power is not spared. A relay that does not obey, or an input that cannot be read, crashes the agent: systemd starts it
again, with the door locked. At the end the door is locked, and what was not told yet is told.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from agent.access.effects import Effect, Effects, Raised, Relay
from agent.access.latch import LockSettings
from agent.access.lock import Lock
from agent.hardware.doors import Door
from agent.hardware.inputs import Change, Input, Inputs
from agent.types import Alarm

log = logging.getLogger(__name__)

STEP_SECONDS = 0.5
SHORTEST_PULSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class DoorReport:
    """How the door is now: what `state/door` tells."""

    locked: bool
    contact: Literal["open", "closed"] | None  # None: it has no contact
    held: bool  # unlocked without a limit, by command or by the mode
    alarms: tuple[Alarm, ...]
    last_opened_by: str | None


class Doorman:
    """A worker; all but `step` and `finish` may be called from any thread.

    Args:
        door: the relay; locked now. Closed by `close`.
        inputs: contact, exit button, tamper switch. Closed by `close`.
        settings: how long.
        told: what the lock told, but for the relay, and when; from the worker.
        wipe: forgets templates, keys and log when the case is opened; from the worker, after the alarm was told. What
            it raises crashes the agent, which begins with wiping when it is started again.
        monotonic: the seconds that the inputs use.
        now: the time, UTC.
    """

    def __init__(
        self,
        door: Door,
        inputs: Inputs,
        settings: LockSettings,
        *,
        told: Callable[[Effect, datetime], None],
        wipe: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._door, self._inputs, self._told, self._wipe = door, inputs, told, wipe
        self._monotonic, self._now = monotonic, now
        self._mutex = threading.Lock()
        self._news: queue.SimpleQueue[tuple[Effect, datetime]] = queue.SimpleQueue()
        self._opened_by: str | None = None
        self._relay = Relay(on=False)
        state = inputs.state
        at = monotonic()
        self._lock = Lock(settings, at=at, contact=state.get(Input.CONTACT))
        self._heed(self._lock.tamper(at, on=state.get(Input.TAMPER, False)))

    # From any thread

    def grant(self, seconds: float, person: str | None = None) -> bool:
        """Releases the lock for somebody; the relay is driven when this returns.

        Args:
            seconds: how long.
            person: whose passage it is; None for a command.

        Returns:
            False in a lock-down: nothing was done. True also where the lock rests for a moment and releases after it.

        Raises:
            HardwareError: the relay does not obey, or the doorman is closed.
        """
        with self._mutex:
            self._heed(self._lock.grant(self._monotonic(), seconds, person))
            released = self._lock.latch.released
            if released and person is not None:
                self._opened_by = person
        self._inputs.wake()
        return released

    def meet(self, people: Container[str]) -> None:
        """Says who there is now: somebody who is not among them has never opened the door."""
        with self._mutex:
            if self._opened_by not in people:
                self._opened_by = None

    def hold(self) -> bool:
        """Unlocks until `lock`, a lock-down or the end of the agent; False in a lock-down."""
        self._do(self._lock.hold)
        return self._lock.latch.free

    def lock(self) -> None:
        """Locks now, and overrules a mode that keeps the door unlocked until that ends."""
        self._do(self._lock.lock)

    def keep(self, *, unlocked: bool, anew: bool = False) -> None:
        """Says whether the mode keeps the door unlocked now; costs nothing where nothing changes.

        Args:
            unlocked: it does.
            anew: somebody has just set the mode: an earlier `lock` counts no longer.
        """
        self._do(lambda at: self._lock.keep(at, unlocked=unlocked, anew=anew))

    def lock_down(self, *, on: bool) -> None:
        """Begins or ends a lock-down, in which the exit button alone opens; may be repeated."""
        self._do(lambda at: self._lock.lock_down(at, on=on))

    @property
    def locked_down(self) -> bool:
        """Whether the exit button alone opens."""
        return self._lock.latch.locked_down

    def report(self) -> DoorReport:
        """Returns how the door is."""
        lock = self._lock
        return DoorReport(
            locked=not self._door.unlocked,
            contact=None if lock.contact is None else "open" if lock.contact else "closed",
            held=lock.latch.free,
            alarms=tuple(sorted(lock.alarms)),
            last_opened_by=self._opened_by,
        )

    def close(self) -> None:
        """Locks for good and lets go of relay and inputs. May be called again."""
        try:
            self._door.close()
        finally:
            self._inputs.close()

    # The worker

    def step(self) -> None:
        """Waits for an input, or for what the lock waits for, at most half a second; tells what has happened."""
        deadline = self._lock.deadline
        patience = STEP_SECONDS if deadline is None else max(0.0, deadline - self._monotonic())
        for change in self._inputs.take(min(patience, STEP_SECONDS)):
            self._note(change)
        self._do(self._lock.tick, wake=False)
        self.finish()

    def wake(self) -> None:
        """Lets a step that waits return at once; from any thread."""
        self._inputs.wake()

    def finish(self) -> None:
        """Tells what has not been told yet: also after the last step."""
        while True:
            try:
                effect, at = self._news.get_nowait()
            except queue.Empty:
                return
            self._told(effect, at)
            if self._wipe is not None and effect == Raised(Alarm.TAMPER):
                log.warning("case opened: wiping")
                self._wipe()

    def _note(self, change: Change) -> None:
        log.info("%s is %s", change.input, "on" if change.on else "off")
        lock, on = self._lock, change.on
        with self._mutex:
            match change.input:
                case Input.CONTACT:
                    self._heed(lock.opened(change.at) if on else lock.closed(change.at))
                case Input.TAMPER:
                    self._heed(lock.tamper(change.at, on=on))
                case Input.EXIT_BUTTON if on:
                    self._heed(lock.exit_pressed(change.at))

    def _do(self, act: Callable[[float], Effects], *, wake: bool = True) -> None:
        with self._mutex:
            effects = act(self._monotonic())
            self._heed(effects)
        if effects and wake:  # the deadline may be another now
            self._inputs.wake()

    def _heed(self, effects: Effects) -> None:
        """Drives the relay, and leaves the rest to the worker; the mutex is held."""
        at = self._now()
        for effect in effects:
            if isinstance(effect, Relay):
                self._drive(effect)
            else:
                self._news.put((effect, at))

    def _drive(self, relay: Relay) -> None:
        before, self._relay = self._relay, relay
        if relay.on and relay.until is None:
            self._door.hold(unlocked=True)
        elif relay.until is not None:
            if before.on and before.until is None:  # a held door would not heed a pulse
                self._door.hold(unlocked=False)
            self._door.pulse(max(relay.until - self._monotonic(), SHORTEST_PULSE_SECONDS))
        elif self._door.unlocked:  # its own timer may have been there before
            self._door.hold(unlocked=False)
