"""What the events tell of who went through the door."""

from __future__ import annotations

from datetime import datetime

from agent.attendance.presence import Passage
from agent.store.db import Db
from agent.store.times import from_text, to_text


def passages(db: Db, begin: datetime, end: datetime, door: str) -> list[Passage]:
    """Return who was let in from `begin` until before `end`; `door` is the name of this device."""
    rows = db.rows(
        "SELECT json_extract(body, '$.person'), at FROM events WHERE kind = 'access' AND at >= ? AND at < ?"
        " AND json_extract(body, '$.outcome') = 'granted' AND json_extract(body, '$.person') IS NOT NULL"
        " AND id NOT IN (SELECT event FROM undone) ORDER BY seq",
        (to_text(begin), to_text(end)),
    )
    return [Passage(person, from_text(at), door) for person, at in rows]


def strangers(db: Db, begin: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Return when somebody nobody knows was turned away, and why: the reason of the event."""
    rows = db.rows(
        "SELECT at, json_extract(body, '$.reason') FROM events WHERE kind = 'access' AND at >= ? AND at < ?"
        " AND json_extract(body, '$.outcome') = 'denied'"
        " AND json_extract(body, '$.reason') IN ('unknown', 'unknown_credential') ORDER BY seq",
        (to_text(begin), to_text(end)),
    )
    return [(from_text(at), reason) for at, reason in rows]
