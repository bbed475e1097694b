"""What the events tell of who went through the door."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from agent.attendance.presence import Passage
from agent.store.db import Db
from agent.store.times import from_text, to_text

_PASSAGES: Final = """
    SELECT coalesce(former.person, who.value) AS person, access.at
    FROM events AS access
    JOIN json_each(
        json_array(json_extract(access.body, '$.person'), json_extract(access.body, '$.companion'))
    ) AS who ON who.value IS NOT NULL
    LEFT JOIN former_ids AS former ON former.was = who.value
    WHERE access.kind = 'access' AND access.at >= ? AND access.at < ?
    AND json_extract(access.body, '$.outcome') = 'granted'
    AND NOT EXISTS (
        SELECT 1 FROM undone LEFT JOIN events AS told ON told.id = undone.event
        WHERE undone.person = coalesce(former.person, who.value)
        AND access.id IN (undone.event, json_extract(told.body, '$.access'))
    )
    AND NOT EXISTS (
        SELECT 1 FROM punches
        WHERE punches.person = coalesce(former.person, who.value) AND punches.at = access.at
        AND NOT EXISTS (SELECT 1 FROM corrections WHERE corrections.punch = punches.id AND corrections.void)
    )
    ORDER BY access.seq
"""


def passages(db: Db, begin: datetime, end: datetime, door: str) -> list[Passage]:
    """Return who was let in from `begin` until before `end`, as they are called now.

    Left out are matches that were wrong, whether the decision or its punch was said to be so; and what was a punch as
    well, which tells more, also once it is corrected to another time.

    Args:
        db: the database.
        begin: the first instant.
        end: the one after the last.
        door: the name of this device.
    """
    rows = db.rows(_PASSAGES, (to_text(begin), to_text(end)))
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
