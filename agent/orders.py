"""Orders from the command line to the door of the agent that runs: given there, taken and carried out here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from agent.audit import audit
from agent.clock import clock_state
from agent.config import Config
from agent.doorman import Doorman
from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.register import Request
from agent.store import orders
from agent.store.db import Db
from agent.store.orders import Order, What
from agent.write import Write

log = logging.getLogger(__name__)

EXPIRES_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 0.2
DONE: Final = "done"
LOCKED_DOWN: Final = "the door is locked down: set another mode first"
ACTIONS: Final = {What.UNLOCK: "unlocked", What.LOCK: "locked", What.HOLD: "held"}


def give(db: Db, what: What, seconds: float | None = None, *, patience_seconds: float | None = None) -> None:
    """Has the agent that runs carry out an order; waits until it has.

    Args:
        db: the agent's database.
        what: to do.
        seconds: of an unlock; None: as long as a grant.
        patience_seconds: the order expires after that; None: after `EXPIRES_SECONDS`.

    Raises:
        CommandError: no agent takes it, or it refuses.
    """
    deadline = time.monotonic() + (patience_seconds or EXPIRES_SECONDS)
    number = orders.place(db, what, seconds, deadline)
    try:
        while (text := orders.answered(db, number)) is None and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS / 4)
    finally:
        taken = orders.withdraw(db, number)
    if text is None and taken:
        raise CommandError(Code.FAILED, "the agent has taken the order but does not say what became of it")
    if text is None:
        raise CommandError(Code.FAILED, f"no agent runs on {db.path}: start it, or look at its log")
    if text != DONE:
        raise CommandError(Code.LOCKED_DOWN, text)


class Orders:
    """A worker that carries out what the command line orders.

    An order is marked as taken, with its line in the audit, before it is carried out: should the agent die in between,
    it is not carried out at all, never twice.

    Args:
        db: to read, by this worker alone.
        write: as the recorder does.
        doorman: carries them out.
        config: how long an unlock is that does not say, and by what the time is believed.
        boot_id: of this run of the agent.
        now: the time, UTC, for the audit.
    """

    def __init__(
        self,
        db: Db,
        write: Write,
        doorman: Doorman,
        config: Config,
        *,
        boot_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db, self._write, self._doorman = db, write, doorman
        self._boot_id, self._now = boot_id, now
        self._pulse_seconds, self._synchronised = config.door.pulse_seconds, config.clock.synchronised_file
        self._begun = False

    def step(self) -> None:
        """Waits a little, and carries out what was ordered. The first step drops what was ordered before."""
        time.sleep(LOOK_SECONDS)
        try:
            if not self._begun:
                self._write(orders.forget)
                self._begun = True
            elif orders.waiting(self._db):
                for order in self._write(self._take):
                    self._answer(order, self._carry_out(order))
        except StoreError as error:
            log.warning("orders of the command line have to wait: %s", error)

    def _answer(self, order: Order, text: str) -> None:
        self._write(lambda db: orders.answer(db, order.number, text))

    def _take(self, db: Db) -> list[Order]:
        request = Request("cli", self._now(), self._boot_id, clock=clock_state(self._synchronised))
        with db.transaction():
            taken = orders.take(db, time.monotonic())
            for order in taken:
                details = {"seconds": order.seconds or self._pulse_seconds} if order.what is What.UNLOCK else None
                audit(db, ACTIONS[order.what], None, request, details)
        return taken

    def _carry_out(self, order: Order) -> str:
        log.info("order: %s", order.what)
        match order.what:
            case What.LOCK:
                self._doorman.lock()
                return DONE
            case What.HOLD:
                done = self._doorman.hold()
            case What.UNLOCK:
                done = self._doorman.grant(order.seconds or self._pulse_seconds)
        return DONE if done else LOCKED_DOWN
