"""The screens beyond this machine that show the page at the wall: their links and cookies as SHA-256 alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.store.db import Db
from agent.store.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Screen:
    """A browser that may show the page, or that waits to open its link."""

    name: str
    added_at: datetime
    added_by: str
    opened: bool
    until: datetime | None  # the link is good


def everyone(db: Db) -> list[Screen]:
    """Return all screens by name."""
    rows = db.rows("SELECT name, added_at, added_by, token IS NOT NULL, until FROM screens ORDER BY name")
    return [
        Screen(name, from_text(at), by, bool(is_open), until and from_text(until))
        for name, at, by, is_open, until in rows
    ]


def add(db: Db, name: str, link: bytes, *, until: datetime, at: datetime, by: str) -> None:
    """Let whoever opens a link be this screen; the browser that was it is no more."""
    with db.transaction() as sql:
        row = (name, link, to_text(until), to_text(at), by)
        sql.execute(
            "INSERT OR REPLACE INTO screens (name, link, until, added_at, added_by) VALUES (?, ?, ?, ?, ?)", row
        )


def open_link(db: Db, link: bytes, token: bytes, now: datetime) -> str | None:
    """Put a cookie in the place of a link that is good still; return the screen's name, or None."""
    with db.transaction() as sql:
        rows = sql.execute("SELECT name FROM screens WHERE link = ? AND until > ?", (link, to_text(now))).fetchall()
        if not rows:
            return None
        sql.execute("UPDATE screens SET link = NULL, until = NULL, token = ? WHERE name = ?", (token, rows[0][0]))
        return str(rows[0][0])


def is_screen(db: Db, token: bytes) -> bool:
    """Return whether a cookie is that of a screen."""
    return bool(db.rows("SELECT 1 FROM screens WHERE token = ?", (token,)))


def remove(db: Db, name: str) -> bool:
    """Let a screen show nothing more; return whether there was one."""
    with db.transaction() as sql:
        return bool(sql.execute("DELETE FROM screens WHERE name = ?", (name,)).rowcount)
