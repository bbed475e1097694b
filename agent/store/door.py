"""The mode of the door, which outlives a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.access.rules import Mode
from agent.store.db import Db
from agent.store.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class DoorMode:
    """What is kept of the door."""

    mode: Mode | None = None  # None: nobody has set one, the rules say which
    since: datetime | None = None
    by: str | None = None
    opened_on: datetime | None = None  # the start of the period that the first authorised person has opened


def load_mode(db: Db) -> DoorMode:
    """Return what is kept of the door."""
    for mode, since, by, opened_on in db.rows("SELECT mode, since, by, opened_on FROM door"):
        return DoorMode(
            Mode(mode) if mode is not None else None,
            from_text(since) if since is not None else None,
            by,
            from_text(opened_on) if opened_on is not None else None,
        )
    return DoorMode()


def save_mode(db: Db, mode: Mode, at: datetime, by: str) -> None:
    """Keep a mode; whoever opens the period first has to come again."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO door (one, mode, since, by) VALUES (1, ?, ?, ?) ON CONFLICT (one)"
            " DO UPDATE SET mode = excluded.mode, since = excluded.since, by = excluded.by, opened_on = NULL",
            (mode.value, to_text(at), by),
        )


def mark_opened(db: Db, starts_at: datetime) -> None:
    """Keep that the first authorised person has come in the period that starts at that instant."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO door (one, opened_on) VALUES (1, ?)"
            " ON CONFLICT (one) DO UPDATE SET opened_on = excluded.opened_on",
            (to_text(starts_at),),
        )
