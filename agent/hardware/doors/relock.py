"""Locks again by itself: the timer that all doors share.

locked ──pulse──► unlocked until the earlier of now + seconds and first + max ──time is up──► locked
       ──hold──► held without a limit ──hold off──► locked
any    ──close──► locked for good
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from agent.errors import HardwareError

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # after a relay that did not obey when it was to lock


class Relock:
    """Works a switch. Thread-safe; the timer is a thread that sleeps until the instant of locking.

    Args:
        switch: drives the relay: True unlocks. Raises `HardwareError` where it cannot.
        max_open_seconds: longest time from the first unlocking pulse to locking.
        monotonic: seconds, from any zero; not moved by setting the clock.
    """

    def __init__(
        self,
        switch: Callable[[bool], None],
        *,
        max_open_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._switch = switch
        self._max_open_seconds = max_open_seconds
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._unlocked = False
        self._until: float | None = None  # when to lock; None while locked or held
        self._latest = 0.0  # no pulse reaches beyond
        self._closed = False
        switch(False)  # released at start, whatever was before
        # A daemon: the interpreter would otherwise wait for it at exit, before atexit can lock the door.
        self._thread = threading.Thread(target=self._run, name="relock", daemon=True)
        self._thread.start()

    @property
    def unlocked(self) -> bool:
        """Whether the switch is on."""
        return self._unlocked

    def pulse(self, seconds: float) -> None:
        """Unlock for a time; a held door stays held."""
        if not (seconds > 0 and math.isfinite(seconds)):
            raise ValueError(f"a pulse takes a positive number of seconds, not {seconds}")
        with self._changed:
            self._refuse_if_closed()
            self._lock_if_due()
            if self._unlocked and self._until is None:
                return
            now = self._monotonic()
            if not self._unlocked:
                self._latest = now + self._max_open_seconds
            # The instant of locking first: it stands even if the switch fails half-way.
            self._until = max(self._until or now, min(now + seconds, self._latest))
            self._changed.notify()
            if not self._unlocked:
                self._drive(unlocked=True)

    def hold(self, *, unlocked: bool) -> None:
        """Keep the switch on without a limit, or turn it off now."""
        with self._changed:
            self._refuse_if_closed()
            self._until = self._monotonic()  # stands until the switch has obeyed
            self._changed.notify()
            if unlocked:
                self._drive(unlocked=True)
                self._until = None
            else:
                self._lock_if_due()

    def close(self) -> None:
        """Turn the switch off for good. May be called again."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._until = None
            self._changed.notify()
            self._drive(unlocked=False)
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                try:
                    self._lock_if_due()
                except HardwareError as error:
                    log.error("door could not be locked, trying again: %s", error)  # noqa: TRY400 - no traceback
                    self._until = self._monotonic() + RETRY_SECONDS
                self._changed.wait(None if self._until is None else max(0.0, self._until - self._monotonic()))

    def _lock_if_due(self) -> None:
        if self._until is not None and self._monotonic() >= self._until:
            self._drive(unlocked=False)
            self._until = None

    def _drive(self, *, unlocked: bool) -> None:
        if unlocked:
            self._unlocked = True  # before, so that a switch that fails half-way is taken for on and turned off
        self._switch(unlocked)
        self._unlocked = unlocked

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise HardwareError("the door is closed: no unlocking while the program stops")
