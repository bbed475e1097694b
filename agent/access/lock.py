"""The door's state machine: when the relay is on, when somebody has passed, when there is an alarm.

`agent.access.latch` draws the relay. The door itself, where there is a contact:

             opened while released or held, or within the grace after it            too long
    CLOSED ──────────────────────────────────────────────────────────────► OPEN ───► soon ───► HELD OPEN
      ▲ │    opened otherwise                                                │          │          │
      │ └───────────────────────────────────────────────────────► FORCED     │          │          │
      └───────────────────────────── closed ─────────────────────────┴───────┴──────────┴──────────┘

Closing clears the alarms of the door, and locks the relay again where `relock` says so, unless somebody else has been
granted since the opening, who may still stand outside. Time that is too long counts from the end of what was granted,
never while the door is held. A door that stands open at the start was not forced, for all we know; it is one that has
to be closed. Without a contact there are no alarms of the door, and a grant counts as a passage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.access.effects import Cleared, Effect, Effects, NotPassed, Passed, Raised, Relay
from agent.access.latch import Latch, LockSettings, RelockOn
from agent.types import Alarm

_OF_THE_DOOR = (Alarm.HELD_OPEN_SOON, Alarm.HELD_OPEN, Alarm.FORCED_OPEN)


class Lock:
    """Fed with what happens, each with its instant; returns what follows, in order.

    Instants are monotonic seconds; one that is earlier than the last one counts as the last one. What fell due since
    then is done first, so a driver that comes late changes nothing but when it is told.

    Args:
        settings: how long.
        at: now.
        contact: whether the door is open; None where it has no contact.
    """

    def __init__(self, settings: LockSettings, *, at: float, contact: bool | None = None) -> None:
        self.alarms: frozenset[Alarm] = frozenset()
        self.contact = contact
        self.latch = Latch(settings)  # to look at
        self._settings = settings
        self._at = at
        self._told: list[Effect] = []
        self._relay = Relay(on=False)  # as told last
        self._was_free = False
        self._people: dict[str, None] = {}  # granted, and the door not opened yet
        self._others = False  # the same for the exit button and commands
        self._through: set[str] = set()  # who has passed by this opening
        self._joined = False  # released for somebody else since it began
        self._due: float | None = at if contact else None  # open, not forced, and to be closed from then on

    @property
    def unlocked(self) -> bool:
        """Whether the relay is on."""
        return self._relay.on

    @property
    def deadline(self) -> float | None:
        """When `tick` is due; None while nothing is waited for."""
        return min((instant for instant, _ in self._deadlines()), default=None)

    def tick(self, at: float) -> Effects:
        """Time has passed."""
        self._advance(at)
        return self._done()

    def grant(self, at: float, seconds: float, person: str | None = None) -> Effects:
        """Releases for somebody; nothing happens in a lock-down.

        Args:
            at: now.
            seconds: how long; a release during a release makes it longer, up to the maximum.
            person: who it is; None where that is not known, as with the command `unlock`.
        """
        self._advance(at)
        if not self.latch.locked_down:
            self._release_for(seconds, person)
        return self._done()

    def exit_pressed(self, at: float) -> Effects:
        """Releases for somebody inside, also in a lock-down."""
        self._advance(at)
        self._release_for(self._settings.exit_seconds, None)
        return self._done()

    def hold(self, at: float) -> Effects:
        """Unlocks until told otherwise; nothing happens in a lock-down."""
        self._advance(at)
        if not self.latch.locked_down:
            self.latch.hold()
        return self._done()

    def lock(self, at: float) -> Effects:
        """Locks now, whatever was granted; overrules the mode until it ends."""
        self._advance(at)
        self.latch.lock(self._at)
        self._call_in()
        return self._done()

    def keep(self, at: float, *, unlocked: bool, anew: bool = False) -> Effects:
        """Says whether the mode keeps the door unlocked; may be repeated as often as one likes.

        Args:
            at: now.
            unlocked: it does.
            anew: somebody has just asked for the mode: an earlier `lock` no longer counts.
        """
        self._advance(at)
        self.latch.keep(unlocked=unlocked, anew=anew)
        return self._done()

    def lock_down(self, at: float, *, on: bool) -> Effects:
        """Begins or ends a lock-down; may be repeated."""
        self._advance(at)
        begins = on and not self.latch.locked_down
        self.latch.lock_down(self._at, on=on)
        if begins:
            self._call_in()
        return self._done()

    def opened(self, at: float) -> Effects:
        """The contact says that the door is open."""
        self._advance(at)
        if not self.contact:
            self.contact, self._joined, self._through = True, False, set()
            if self.latch.opens(self._at):
                self._due = self.latch.release.ends if self.latch.release else self._at
                self._pass()
                if self._settings.relock is RelockOn.OPENING:
                    self.latch.end(self._at)
            else:
                self._raise(Alarm.FORCED_OPEN)
        return self._done()

    def closed(self, at: float) -> Effects:
        """The contact says that the door is closed."""
        self._advance(at)
        if self.contact:
            self.contact = False
            for alarm in _OF_THE_DOOR:
                self._clear(alarm)
            if self._due is not None:
                self.latch.be_graceful(self._at)
            self._due = None
            relocks = self._settings.relock is not RelockOn.TIME and not self._joined
            if relocks and self.latch.runs(self._at):
                self.latch.end(self._at)
        return self._done()

    def tamper(self, at: float, *, on: bool) -> Effects:
        """The case was opened, or closed again."""
        self._advance(at)
        (self._raise if on else self._clear)(Alarm.TAMPER)
        return self._done()

    def _release_for(self, seconds: float, person: str | None) -> None:
        release = self.latch.add(self._at, seconds)
        self._joined = bool(self.contact) and (self._joined or person not in self._through)
        if self._due is not None:
            self._due = max(self._due, release.ends)
        self._drive()  # before anything else is told
        if person is None:
            self._others = True
        else:
            self._people[person] = None
        if self.contact is not False:
            self._pass()

    def _pass(self) -> None:
        if self._people or self._others:
            self._told.append(Passed(tuple(self._people), self._others))
        self._through.update(self._people)
        self._people, self._others = {}, False

    def _miss(self) -> None:
        if self._people:
            self._told.append(NotPassed(tuple(self._people)))
        self._people, self._others = {}, False

    def _call_in(self) -> None:
        """An open door is to be closed from now on."""
        if self._due is not None:
            self._due = min(self._due, self._at)

    def _advance(self, at: float) -> None:
        """Does what fell due up to `at`, in order."""
        while due := min(self._deadlines(), key=lambda each: each[0], default=None):
            if due[0] > at:
                break
            self._at = max(self._at, due[0])
            due[1]()
            self._drive()
        self._at = max(self._at, at)

    def _deadlines(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """What is waited for: the instant, and what is done then, after which it is waited for no longer."""
        release = self.latch.release
        if release is None:
            if self._people or self._others:
                yield self.latch.grace_until, self._miss
        elif not self.latch.runs(self._at):
            yield release.starts, self._drive
        else:
            yield release.ends, lambda: self.latch.end(self._at)
        if self._due is not None and not self.latch.free:
            for alarm, seconds in (
                (Alarm.HELD_OPEN_SOON, self._settings.held_open_soon_seconds),
                (Alarm.HELD_OPEN, self._settings.held_open_seconds),
            ):
                if alarm not in self.alarms:
                    yield self._due + seconds, lambda alarm=alarm: self._raise(alarm)  # type: ignore[misc]

    def _done(self) -> Effects:
        self._drive()
        told, self._told = tuple(self._told), []
        return told

    def _drive(self) -> None:
        """Tells the relay what follows from all this, where that is new."""
        if self._was_free and not self.latch.free:
            self.latch.be_graceful(self._at)
            if self._due is not None:
                self._due = max(self._due, self._at)
        self._was_free = self.latch.free
        relay = self.latch.relay(self._at)
        if relay != self._relay:
            self._relay = relay
            self._told.append(relay)

    def _raise(self, alarm: Alarm) -> None:
        if alarm not in self.alarms:
            self.alarms |= {alarm}
            self._told.append(Raised(alarm))

    def _clear(self, alarm: Alarm) -> None:
        if alarm in self.alarms:
            self.alarms -= {alarm}
            self._told.append(Cleared(alarm))
