"""Signing in and out."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

SIGN_OUT: Final = Operation("DELETE", "session", "Signs out.")
OPERATIONS: Final = (SIGN_OUT,)


def routes(front: Front) -> list[Route]:
    """Returns what signs in and out."""

    async def sign_out(request: Request, _: Session) -> Response:
        front.sessions.close(request.cookies[front.cookie])
        response = SIGN_OUT.answered(None)
        response.delete_cookie(front.cookie, secure=front.encrypted, httponly=True, samesite="strict")
        return response

    return [SIGN_OUT.route(front, sign_out)]
