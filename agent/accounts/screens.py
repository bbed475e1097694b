"""Screens beyond this machine: a browser opens a link once, within a day, and shows the page at the wall from then on.

The link has 256 random bits behind `#`, which no browser sends to a server or tells another page; it is exchanged for a
cookie. Both are kept as SHA-256: nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.store import screens as store
from agent.trust.keys import KEY_NAME_PATTERN

if TYPE_CHECKING:
    from agent.register import Request
    from agent.store.db import Db

GOOD_FOR: Final = timedelta(days=1)
MOST: Final = 16
BYTES: Final = 32


def everyone(db: Db) -> list[dict[str, Any]]:
    """Returns all screens as JSON values."""
    return [
        {
            "name": each.name,
            "opened": each.opened,
            "link_until": None if each.until is None else timestamp(each.until),
            "added_at": timestamp(each.added_at),
            "added_by": each.added_by,
        }
        for each in store.everyone(db)
    ]


def add(db: Db, request: Request, name: str) -> str:
    """Returns what belongs behind `#screen=` in the link of a screen; one of the same name shows nothing more.

    Raises:
        CommandError: the name is no name, or there are too many.
    """
    if not re.fullmatch(KEY_NAME_PATTERN, name):
        raise CommandError(Code.BAD_REQUEST, f"{name[:40]!r} is no name: want 1 to 32 of a-z 0-9 . _ -")
    link = secrets.token_urlsafe(BYTES)
    with db.transaction():
        others = [each for each in store.everyone(db) if each.name != name]
        if len(others) >= MOST:
            raise CommandError(Code.NOT_ALLOWED, f"there are {MOST} screens, the most: remove one first")
        store.add(db, name, digest(link), until=request.at + GOOD_FOR, at=request.at, by=request.by)
        audit(db, "screen_added", None, request, {"screen": name})
    return link


def open_link(db: Db, request: Request, link: str, address: str) -> str | None:
    """Returns the cookie for whoever opens a link; None where it is none, or was opened, or is too old."""
    token = secrets.token_urlsafe(BYTES)
    with db.transaction():
        name = store.open_link(db, digest(link), digest(token), request.at)
        if name is None:
            return None
        audit(db, "screen_opened", None, request, {"screen": name, "address": address})
    return token


def remove(db: Db, request: Request, name: str) -> None:
    """Lets a screen show nothing more, from the next thing on.

    Raises:
        CommandError: there is none of this name.
    """
    with db.transaction():
        if not store.remove(db, name):
            raise CommandError("unknown_screen", f"there is no screen {name[:40]!r}: see latchkey account screens")
        audit(db, "screen_removed", None, request, {"screen": name})


def digest(secret: str) -> bytes:
    """Returns what is kept of a link or a cookie."""
    return hashlib.sha256(secret.encode()).digest()
