"""How often a session may ask: more than any page of ours does, and too seldom to keep the others waiting."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.mqtt.bucket import Bucket
from agent.mqtt.message import Code
from agent.web.admin.front import refused
from agent.web.admin.operations import ROOT

AT_ONCE: Final = 200  # requests
A_SECOND: Final = 50.0  # in the long run
MOST_KNOWN: Final = 512  # sessions and addresses; the one that was made first is forgotten


class Pace:
    """Around the rooms. Of one event loop.

    Args:
        app: inside.
        cookie: the name of the session's; who has none is known by the address.
    """

    def __init__(self, app: ASGIApp, cookie: str) -> None:
        self._app, self._cookie = app, cookie
        self._buckets: dict[str, Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it."""
        answer: ASGIApp = self._app
        if scope["path"].startswith(ROOT) and not self._bucket(Request(scope)).take():
            answer = _too_often()
        await answer(scope, receive, send)

    def _bucket(self, request: Request) -> Bucket:
        who = request.cookies.get(self._cookie) or (request.client.host if request.client else "")
        found = self._buckets.get(who)
        if found is None:
            found = self._buckets[who] = Bucket(AT_ONCE, A_SECOND)
            if len(self._buckets) > MOST_KNOWN:
                del self._buckets[next(iter(self._buckets))]
        return found


def _too_often() -> Response:
    return refused(Code.TOO_OFTEN, "too many requests: wait a second", **{"Retry-After": "1"})
