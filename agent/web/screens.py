"""Which browsers may show the page at the wall, where it is served beyond this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from agent.accounts import screens
from agent.attendance.punch import Clock
from agent.mqtt.message import Message
from agent.register import Request as Asks
from agent.store import screens as store
from agent.store.db import Db
from agent.write import Write

COOKIE: Final = "__Host-latchkey-screen"  # by TLS alone; no other host can set it (RFC 6265bis, 4.1.3.2)
LASTS_SECONDS: Final = 400 * 86_400  # what browsers keep at most (RFC 6265bis, 5.6.2); each visit begins it anew


class Link(Message):
    """The body of a POST: what stood behind `#screen=`."""

    link: Annotated[str, Field(min_length=1, max_length=100)] = Field(repr=False)


class Screens:
    """Whom the page is for.

    Args:
        db: to read, in the server's thread: a look at one row.
        write: to the same.
        boot_id: goes into the audit.
        clock: whether the time can be believed.
    """

    def __init__(self, db: Db, write: Write, boot_id: str, clock: Callable[[], Clock]) -> None:
        self._db, self._write, self._boot_id, self._clock = db, write, boot_id, clock

    def knows(self, request: Request) -> bool:
        """Whether a request comes from a screen.

        Raises:
            StoreError: that cannot be read.
        """
        token = request.cookies.get(COOKIE)
        return token is not None and store.is_screen(self._db, screens.digest(token))

    async def open(self, link: str, address: str) -> str | None:
        """Returns the cookie for a link; None: it is none.

        Raises:
            StoreError: it cannot be kept.
        """
        request = Asks("screen", datetime.now(UTC), self._boot_id, clock=self._clock())

        def opened(db: Db) -> str | None:
            return screens.open_link(db, request, link, address)

        return await asyncio.to_thread(lambda: self._write(opened))


def keep(response: Response, token: str) -> None:
    """Gives the browser the cookie of a screen."""
    response.set_cookie(COOKIE, token, max_age=LASTS_SECONDS, path="/", secure=True, httponly=True, samesite="strict")
