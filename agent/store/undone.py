"""Matches that were wrong: "this was not me"."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ulid import ULID

from agent.store.db import Db
from agent.store.punches import counts
from agent.store.templates import forget_shots
from agent.store.times import from_text, to_text
from agent.types import Event

LOOKED_THROUGH: Final = 20_000  # events, the latest: a door's last weeks


@dataclass(frozen=True, slots=True)
class Undone:
    """What went with a match that was wrong."""

    punches: int  # that no longer count
    templates: int  # that had been learnt from the visit
    moved_back: bool  # nobody knows any more in which zone the person is


def find_event(db: Db, which: str) -> Event | None:
    """Return the event with this id, or with this seq, or None."""
    column = "seq" if which.isdecimal() and len(which) < len(str(2**63)) else "id"
    rows = db.rows(f"SELECT seq, id, kind, at, boot_id, body FROM events WHERE {column} = ?", (which,))  # noqa: S608 - ours
    for seq, id_, kind, at, boot_id, body in rows:
        return Event(id_, seq, kind, from_text(at), boot_id, json.loads(body))
    return None


def recognised(db: Db, ids: Sequence[str], limit: int) -> list[tuple[Event, bool]]:
    """Return the last decisions and punches about somebody, the newest first, each with whether it is undone.

    Args:
        db: the database.
        ids: of the person, now and before.
        limit: so many at most.
    """
    query = """
        SELECT seq, id, kind, at, boot_id, body, EXISTS (SELECT 1 FROM undone WHERE event = events.id)
        FROM events
        WHERE seq > (SELECT max(seq) FROM events) - ?1 AND kind IN ('access', 'attendance')
            AND json_extract(body, '$.person') IN (SELECT value FROM json_each(?2))
        ORDER BY seq DESC LIMIT ?3
    """
    return [
        (Event(id_, seq, kind, from_text(at), boot_id, json.loads(body)), bool(gone))
        for seq, id_, kind, at, boot_id, body, gone in db.rows(query, (LOOKED_THROUGH, json.dumps(ids), limit))
    ]


def is_undone(db: Db, event: str) -> bool:
    """Return whether the match of this event has been undone."""
    return bool(db.rows("SELECT 1 FROM undone WHERE event = ?", (event,)))


def undo(db: Db, event: Event, person: str, at: datetime, by: str) -> Undone:
    """Note that the match of an event was wrong, and take back what followed from it.

    Args:
        db: the database.
        event: of kind access or attendance.
        person: who it was taken for, by their present id.
        at: now.
        by: who says so.
    """
    with db.transaction() as sql:
        sql.execute("INSERT INTO undone VALUES (?, ?, ?, ?)", (event.id, person, to_text(at), by))
        # The punch is of the event itself, or of the attendance event of the same instant
        found = sql.execute(
            "SELECT id FROM punches WHERE person = ? AND (id = ? OR at = ?)", (person, event.id, to_text(event.at))
        ).fetchall()
        punches = [id_ for (id_,) in found if counts(db, id_)]
        sql.executemany(
            "INSERT INTO corrections (id, punch, person, void, by, why, made_at) VALUES (?, ?, ?, 1, ?, ?, ?)",
            [
                (str(ULID.from_datetime(at)), id_, person, by, f"wrong match, event {event.id}", to_text(at))
                for id_ in punches
            ],
        )
        templates = forget_shots(db, event.id)
        moved = sql.execute(
            "UPDATE standings SET zone = NULL, zone_at = NULL WHERE person = ? AND zone_at = ?",
            (person, to_text(event.at)),
        ).rowcount
    return Undone(len(punches), templates, bool(moved))
