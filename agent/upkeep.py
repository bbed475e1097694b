"""What the agent does beside the door, now and then: forgets what is old, sets punches right, notes its health."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.attendance.punch import Clock
from agent.backup import leftovers, outgoing
from agent.clock import clock_state, kernel_boot_id
from agent.config import Config
from agent.errors import StoreError
from agent.health import HealthCheck
from agent.history import Counts, History
from agent.privacy.retention import Nights
from agent.register import Request
from agent.store.db import Db
from agent.timeclock import retime_boot
from agent.write import Write

if TYPE_CHECKING:
    from agent.app import Agent

log = logging.getLogger(__name__)

STEP_SECONDS = 0.5
LOOK_SECONDS = 30.0


class Upkeep:
    """A worker's step.

    Args:
        config: what is to be kept for how long.
        db: to read, by this thread alone.
        write: as the recorder does.
        boot_id: of this run.
        history: of how the device is, if it is kept.
    """

    def __init__(self, config: Config, db: Db, write: Write, boot_id: str, history: History | None = None) -> None:
        self._config, self._db, self._write, self._boot_id = config, db, write, boot_id
        self._nights = Nights(config, write, lambda at: Request("retention", at, boot_id, clock=self._clock()))
        self._history = history
        self._due = 0.0
        self._believed = False  # also what was punched before this run of the agent is looked at

    def step(self) -> None:
        """Waits a little; looks when it is time. What cannot be written now is tried the next time."""
        time.sleep(STEP_SECONDS)
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + LOOK_SECONDS
        try:
            outgoing.sweep(self._config)
            leftovers.clear(self._config)
            self._retime()
            self._nights.step(self._db)
            if self._history is not None:
                self._history.look()
        except (StoreError, OSError) as error:
            log.warning("upkeep waits: %s", error)

    def _retime(self) -> None:
        """Once the clock is right, what was punched before it was gets its time by the seconds since the start."""
        if self._clock() is not Clock.SYNCHRONISED:  # also where nobody knows: at a start, NTP may come up after us
            self._believed = False
            return
        if self._believed:
            return
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        request = Request("clock", datetime.now(UTC), self._boot_id, clock=self._clock())
        made = self._write(lambda db: retime_boot(db, kernel_boot_id() or self._boot_id, request, uptime=uptime))
        self._believed = True
        if made:
            log.info("the clock is right now: %d punches were re-timed", len(made))

    def _clock(self) -> Clock:
        return clock_state(self._config.clock.synchronised_file)


def upkeep_of(agent: Agent, db: Db) -> Upkeep:
    """Returns the upkeep of an agent; `db` is read by the thread that does it."""
    check = HealthCheck(agent.config, db, boot_id=agent.boot_id)

    def counts() -> Counts:
        median, _ = agent.recogniser.stopwatch.percentiles().get("frame with a face", (None, None))
        return Counts(agent.visits.frames, agent.dropped, median)

    return Upkeep(agent.config, db, agent.recorder.write, agent.boot_id, History(check, agent.recorder.write, counts))
