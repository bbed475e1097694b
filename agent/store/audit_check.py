"""Whether the chain of the audit holds, looked at some rows at a time, so that nobody has to wait for all of them.

What happens meanwhile does no harm: rows that are appended are looked at too, and say why others were erased; where
the front of the chain is removed, the check begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.privacy.chain import Anchor, Break, Checking
from agent.store import audit
from agent.store.db import Db
from agent.store.faults import translated

STEP_ROWS = 500  # 25 ms on a desk, 100 ms on a Pi
_LOWEST = -(2**63)  # a row whose number was tampered with is looked at too


@dataclass(frozen=True, slots=True)
class Checked:
    """How far a check is; `head` is the last row that there was just now."""

    done: int  # rows
    of: int
    head: Anchor
    over: bool = False
    broken: Break | None = None


class AuditCheck:
    """Used by one thread.

    Args:
        known: a row as it was told outside.
    """

    def __init__(self, known: Anchor | None = None) -> None:
        self._known = known
        self._start: Anchor | None = None
        self._checking, self._beyond = Checking(), _LOWEST

    def step(self, db: Db, rows: int = STEP_ROWS) -> Checked:
        """Looks at some more rows.

        Raises:
            StoreError: they cannot be read.
        """
        with translated(db.path):
            db.sql.execute("BEGIN")  # the start, the end and these rows as of one moment
            try:
                start, head = audit.start(db), audit.head(db)
                if start != self._start:
                    self._start, self._checking, self._beyond = start, Checking(start, self._known), _LOWEST
                some = audit.since(db, self._beyond, rows)
            finally:
                db.sql.execute("COMMIT")
        for row in some:
            if broken := self._checking.see(row):
                return self._told(start, head, broken, over=True)
            self._beyond = row.number
        if len(some) < rows:
            return self._told(start, head, self._checking.end(), over=True)
        return self._told(start, head)

    def _told(self, start: Anchor, head: Anchor, broken: Break | None = None, *, over: bool = False) -> Checked:
        return Checked(self._checking.last.number - start.number, head.number - start.number, head, over, broken)
