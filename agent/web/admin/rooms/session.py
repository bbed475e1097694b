"""Signing in and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.web.admin.front import Front
from agent.web.admin.sessions import Session


def routes(front: Front) -> list[Route]:
    """Returns what signs in and out."""

    async def sign_out(request: Request, _: Session) -> Response:
        front.sessions.close(request.cookies[front.cookie])
        response = Response(status_code=204)
        response.delete_cookie(front.cookie, secure=front.encrypted, httponly=True, samesite="strict")
        return response

    return [Route("/admin/api/session", front.signed(None, sign_out), methods=["DELETE"])]
