"""Looks while the agent works whether it has to start again, and whether its models have proved good."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from agent.backup.leftovers import STAGED
from agent.config import Config
from agent.errors import StoreError
from agent.store import models
from agent.store.db import Db
from agent.write import Write

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
PROOF_SECONDS: Final = 60.0


class Watch:
    """A worker's step.

    Args:
        config: where things are.
        db: to read, by this thread alone.
        write: as the recorder does.
        again: lets the agent end and start again; told why.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        config: Config,
        db: Db,
        write: Write,
        again: Callable[[str], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._staged, self._db, self._write, self._again = config.device.data_dir / STAGED, db, write, again
        self._started = models.in_force(db)
        self._clock, self._began, self._proved = clock, clock(), self._started.starts is None
        self._asked = False

    def step(self) -> None:
        """Waits a moment and looks, whoever has changed something: an admin over MQTT, or the command line."""
        time.sleep(LOOK_SECONDS)
        if self._asked:
            return
        try:
            self._look()
        except StoreError as error:  # looked at again in a moment
            log.warning("which models are in force cannot be read: %s", error)

    def _look(self) -> None:
        if models.in_force(self._db).folder != self._started.folder:
            self._ask("other models are in force")
        elif self._staged.is_dir():
            self._ask("a backup is to be put in place")
        elif not self._proved and self._clock() - self._began > PROOF_SECONDS:
            self._prove()

    def _ask(self, why: str) -> None:
        self._asked = True
        self._again(why)

    def _prove(self) -> None:
        try:
            self._write(models.prove)
        except StoreError as error:
            log.warning("that the new models are good is not noted yet: %s", error)
            return
        self._proved = True
        log.info("the new models have proved good: %s", self._started.folder)
