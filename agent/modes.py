"""The mode of the door: who may set it, and what the doorman is told of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from agent.access.modes import BY_SCHEDULE, awaits_first, keeps_unlocked
from agent.access.rules import DoorRules, Mode
from agent.access.schedule import Span
from agent.audit import audit
from agent.bodies import ClockState
from agent.doorman import Doorman
from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request
from agent.store.db import Db
from agent.store.door import DoorMode, load_mode, mark_opened, save_mode
from agent.write import Write

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


def set_mode(
    db: Db, mode: Mode, rules: DoorRules, request: Request, *, groups: frozenset[str] = frozenset()
) -> DoorMode:
    """Sets the mode for good, also over a restart; returns what is kept now.

    Args:
        db: the database.
        mode: from now on.
        rules: of this door: they say who may.
        request: who asks; `request.by` is "cli" or "mqtt", or whoever asked at the door.
        groups: of the person at the door.

    Raises:
        CommandError: whoever asks may not, or the mode wants a schedule that the rules do not name.
    """
    if not rules.modes_by & {request.by, *groups}:
        may = ", ".join(sorted(rules.modes_by)) or "nobody"
        raise CommandError(
            Code.NOT_ALLOWED, f"{request.by} may not set the mode of {rules.name}: its rules say modes_by = {may}"
        )
    if mode in BY_SCHEDULE and rules.unlocked is None:
        raise CommandError(
            Code.BAD_REQUEST, f"the mode {mode} wants a schedule: name one by `unlocked` in the rules of {rules.name}"
        )
    with db.transaction():
        was = load_mode(db).mode or rules.mode
        save_mode(db, mode, request.at, request.by)
        audit(db, "mode_set", None, request, {"mode": mode.value, "was": was.value})
        return load_mode(db)


def mode_as_json(kept: DoorMode, rules: DoorRules) -> dict[str, Any]:
    """Returns the mode in force as JSON values: `mode`, `since` and `by`, null where the rules say it."""
    return {
        "mode": (kept.mode or rules.mode).value,
        "since": timestamp(kept.since) if kept.since is not None else None,
        "by": kept.by,
    }


class ModeWatch:
    """A worker that tells the doorman what the mode and its schedule say. `came` and `soon` are for any thread.

    Unlocked by schedule needs to know the time: while the clock is unsynchronised, the door stays locked.

    Args:
        db: to read, by this worker alone.
        doorman: to tell.
        write: as the recorder does.
        rules: returns those of this door, as they are now.
        span: returns the period of `DoorRules.unlocked` that an instant lies in.
        clock: whether the time can be believed.
        now: the time, UTC.
    """

    def __init__(
        self,
        db: Db,
        doorman: Doorman,
        write: Write,
        *,
        rules: Callable[[], DoorRules],
        span: Callable[[DoorRules, datetime], Span | None],
        clock: Callable[[], ClockState],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.mode = Mode.NORMAL
        self._db, self._doorman, self._write = db, doorman, write
        self._rules, self._span, self._clock, self._now = rules, span, clock, now
        self._since: datetime | None = None
        self._looked = self._trouble = False
        self._soon, self._came = threading.Event(), threading.Event()

    def came(self) -> None:
        """Somebody who may has come in."""
        if self.mode is Mode.FIRST_PERSON:
            self._came.set()
            self._soon.set()

    def soon(self) -> None:
        """The mode has changed, or the rules: do not wait for the next look."""
        self._soon.set()

    def step(self) -> None:
        """Waits a little and looks."""
        self._soon.wait(LOOK_SECONDS)
        self._soon.clear()
        self.look()

    def look(self) -> None:
        """Tells the doorman how it is now; a database that cannot be read leaves things as they are."""
        try:
            kept = self._kept()
        except StoreError as error:
            if not self._trouble:
                log.warning("mode of the door cannot be looked up, it stays as it is: %s", error)
            self._trouble = True
            return
        self._trouble = False
        rules = self._rules()
        mode = kept.mode or rules.mode
        if mode is not self.mode:
            log.info("mode of the door: %s", mode)
        self.mode = mode
        anew = self._looked and kept.since != self._since
        self._looked, self._since = True, kept.since
        self._doorman.lock_down(on=mode is Mode.LOCKED_DOWN)
        span = self._span_now(mode, rules)
        self._doorman.keep(unlocked=keeps_unlocked(mode, span, kept.opened_on), anew=anew)

    def _kept(self) -> DoorMode:
        """What is kept, after the first person of a period has been written down."""
        came = self._came.is_set()
        self._came.clear()
        kept, rules = load_mode(self._db), self._rules()
        mode = kept.mode or rules.mode
        span = self._span_now(mode, rules) if came else None
        if span is None or not awaits_first(mode, span, kept.opened_on):
            return kept
        starts_at = span.starts_at
        self._write(lambda db: mark_opened(db, starts_at))
        return load_mode(self._db)

    def _span_now(self, mode: Mode, rules: DoorRules) -> Span | None:
        if mode not in BY_SCHEDULE or rules.unlocked is None or self._clock() == "unsynchronised":
            return None
        return self._span(rules, self._now())
