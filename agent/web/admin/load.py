"""How much is carried to the page at once, all requests together: a few photos, whoever sends them."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.web.admin.bodies import LONGEST_BODY

MOST_BYTES: Final = 3 * LONGEST_BODY  # a Pi has 1 GB; each is there two or three times while it is read


class Load:
    """Around the rooms: counts what has come until its request is answered. Of one event loop.

    Args:
        app: inside.
        most: bytes.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self._app, self._left = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it; what is too much is not taken in."""
        carried = 0

        async def counted() -> Message:
            nonlocal carried
            message = await receive()
            size = len(message.get("body", b""))
            if size > self._left:
                raise CommandError(Code.BUSY, "much is being sent at once: try again in a moment")
            carried += size
            self._left -= size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._left += carried
