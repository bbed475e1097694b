"""Refused commands and sign-ins in the audit: who tried what. A flood of them fills no disk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from agent.audit import audit
from agent.errors import StoreError

if TYPE_CHECKING:
    from agent.mqtt.refusals import Refused
    from agent.register import Request
    from agent.write import Write

ROWS_AN_HOUR: Final = 60
HOUR_SECONDS: Final = 3600.0
GATHER_SECONDS: Final = 1.0  # the same again within it is one row
DIFFERENT: Final = 64  # kinds of refusals told apart while they wait; others are counted together

Kind = tuple[str | None, tuple[tuple[str, str | None], ...]]
"""Who, where that is known, and what the audit says of it."""
_OTHERS: Final[Kind] = (None, (("code", "various"),))


class RefusalLog:
    """Gathers refusals, and writes them down now and then. Used by one thread.

    Args:
        write: to the database.
        request: makes what the audit says of who asked: `mqtt:<name>`, or `mqtt` where nobody knows.
        clock: monotonic seconds.
        action: what it is called in the audit.
        nobody: who asked, where nobody knows.
    """

    def __init__(
        self,
        write: Write,
        request: Callable[[str], Request],
        clock: Callable[[], float] = time.monotonic,
        *,
        action: str = "command_refused",
        nobody: str = "mqtt",
    ) -> None:
        self._write, self._request, self._clock = write, request, clock
        self._action, self._nobody = action, nobody
        self._waiting: Counter[Kind] = Counter()
        self._rows, self._hour, self._due = 0, clock(), clock()

    def note(self, refused: Refused) -> None:
        """Counts a command."""
        self.count(refused.by, verb=refused.verb, code=refused.code.value, key=refused.key)

    def count(self, by: str | None, **details: str | None) -> None:
        """Counts one, with what is to be said of it."""
        kind = (by, tuple(details.items()))
        self._waiting[kind if kind in self._waiting or len(self._waiting) < DIFFERENT else _OTHERS] += 1

    def step(self) -> None:
        """Writes what has gathered: 60 rows an hour at most, and one more that sums up the rest."""
        now = self._clock()
        if not self._waiting or now < self._due:
            return
        self._due = now + GATHER_SECONDS
        if now - self._hour >= HOUR_SECONDS:
            if self._rows >= ROWS_AN_HOUR:
                self._sum_up()
            self._rows, self._hour = 0, now
        for kind in list(self._waiting):
            if self._rows >= ROWS_AN_HOUR:
                return
            self._row(kind, self._waiting.pop(kind))

    def close(self) -> None:
        """Writes down what is left, in one row where it is too much."""
        self._due = self._clock()
        self.step()
        self._sum_up()

    def _sum_up(self) -> None:
        if times := self._waiting.total():
            self._waiting.clear()
            self._row(_OTHERS, times)

    def _row(self, kind: Kind, times: int) -> None:
        by, details = kind
        request = self._request(by or self._nobody)
        self._rows += 1
        try:
            self._write(lambda db: audit(db, self._action, None, request, {**dict(details), "times": times}))
        except StoreError:  # full, or busy: nothing was done that has to be told
            self._waiting[kind] += times
