"""What everybody who looks at today is told: made once, until something happens."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.reports.board import board, board_json
from agent.rules_in_force import load_rules
from agent.store import events
from agent.store.db import Db

MOST: Final = 1000  # people, and remarks
SHARE: Final = 20  # it is kept for so many times as long as it took to make: many people never cost more than 5 %


@dataclass(frozen=True, slots=True)
class _Made:
    mark: str
    body: bytes
    until: float  # monotonic seconds: kept, whatever happens


class Today:
    """Of one thread.

    Args:
        device: the name of this door.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._made: _Made | None = None

    def told(self, db: Db, seen: str) -> bytes:
        """Returns it as JSON; the mark alone to who has seen that already."""
        made = self._current(db)
        return made.body if made.mark != seen else json.dumps({"mark": made.mark}).encode()

    def _current(self, db: Db) -> _Made:
        began = time.monotonic()
        if self._made is not None and began < self._made.until:
            return self._made
        at = datetime.now(UTC)
        mark = f"{events.newest(db)}-{at:%d%H%M}"  # whatever is punched, corrected, ruled leaves an event; hours go on
        if self._made is None or self._made.mark != mark:
            told = board_json(board(db, load_rules(db), at, self._device), MOST)
            body = json.dumps(told | {"mark": mark}, ensure_ascii=False).encode()
            ended = time.monotonic()
            self._made = _Made(mark, body, ended + SHARE * (ended - began))
        return self._made
