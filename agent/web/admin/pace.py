"""How often a session may ask: more than any page of ours does, and too seldom to keep the others waiting."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.accounts.lockout import home_of
from agent.mqtt.bucket import Bucket
from agent.mqtt.message import Code
from agent.web.admin.answers import refused
from agent.web.admin.operations import ROOT
from agent.web.admin.sessions import Sessions

AT_ONCE: Final = 200  # requests
A_SECOND: Final = 50.0  # in the long run
MOST_KNOWN: Final = 512  # sessions and addresses; the one that was made first is forgotten


class Pace:
    """Around the rooms. Of one event loop.

    Args:
        app: inside.
        sessions: that there are; who has none, whatever the cookie says, is known by the address.
        cookie: the name of that which tells the session.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, cookie: str) -> None:
        self._app, self._sessions, self._cookie = app, sessions, cookie
        self._buckets: dict[str, Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it."""
        answer: ASGIApp = self._app
        if scope["path"].startswith(ROOT) and not self._bucket(Request(scope)).take():
            answer = _too_often()
        await answer(scope, receive, send)

    def _bucket(self, request: Request) -> Bucket:
        who = request.cookies.get(self._cookie, "")
        if self._sessions.find(who, using=False) is None:
            who = home_of(request.client.host) if request.client else ""
        found = self._buckets.get(who)
        if found is None:
            found = self._buckets[who] = Bucket(AT_ONCE, A_SECOND)
            if len(self._buckets) > MOST_KNOWN:
                del self._buckets[next(iter(self._buckets))]
        return found


def _too_often() -> Response:
    return refused(Code.TOO_OFTEN, "too many requests: wait a second", **{"Retry-After": "1"})
