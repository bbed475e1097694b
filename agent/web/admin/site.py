"""What can be asked of the page for admins: its files, and under `/admin/api` everything else."""

from __future__ import annotations

import logging
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from ulid import ULID

from agent.mqtt.message import Code
from agent.web.admin.answers import refused
from agent.web.admin.document import document
from agent.web.admin.front import Front
from agent.web.admin.load import Load
from agent.web.admin.operations import ROOT, Operation
from agent.web.admin.pace import Pace
from agent.web.admin.rooms import account, attendance, commands, device, live, people, rules, session
from agent.web.admin.sessions import Session
from agent.web.assets import load_folder, served
from agent.web.guard import Guard

logger = logging.getLogger(__name__)

FOLDER: Final = Path(__file__).parent / "page"
ROOMS: Final = (session, account, commands, people, live, rules, attendance, device)
DOCUMENT: Final = Operation("GET", "openapi.json", "This document, as OpenAPI 3.1 has it.", result=dict[str, Any])


def operations() -> dict[str, tuple[Operation, ...]]:
    """Returns what can be asked beside the verbs, by room."""
    rooms = {room.__name__.rpartition(".")[2]: getattr(room, "OPERATIONS", ()) for room in ROOMS}
    return {**rooms, "document": (DOCUMENT,)}


def site(front: Front, *names: str) -> ASGIApp:
    """Returns the application, guarded.

    Args:
        front: of the counter.
        names: of this host, beside its addresses.
    """
    assets = load_folder(FOLDER, "admin.html")

    async def home(_: Request) -> Response:
        return RedirectResponse("/admin", 307)

    async def asset(request: Request) -> Response:
        return served(assets, request)

    @cache
    def written() -> Response:
        return DOCUMENT.answered(document(operations(), cookie=front.cookie))

    async def told(_: Request, __: Session) -> Response:
        return await front.beside.do(written)

    rooms = [DOCUMENT.route(front, told), *(route for room in ROOMS for route in room.routes(front))]
    for route in rooms:  # a longer number is none of a database, and one of 4301 digits is none of Python
        route.path_regex = re.compile(route.path_regex.pattern.replace("[0-9]+", "[0-9]{1,15}"))
    routes = [
        Route("/", home),
        *rooms,
        Route(ROOT + "{rest:path}", Nothing(rooms)),
        Route("/admin", asset),
        Route("/admin/{name:path}", asset),
    ]
    app = Starlette(routes=routes, exception_handlers={500: broken, HTTPException: unknown})
    return Guard(
        Pace(Load(app), front.sessions, front.cookie), *names, ours="admin", encrypted=front.encrypted, refuse=not_ours
    )


class Nothing:
    """What answers under `/admin/api` where nothing else does.

    Args:
        routes: that there are: one of them may be asked otherwise.
    """

    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it."""
        methods = sorted({method for route in self._routes for method in _otherwise(route, scope)})
        answer: Response = refused(Code.UNKNOWN_VERB, "there is nothing of this name")
        if methods:
            why = f"ask it by {' or '.join(methods)}"
            answer = _said(Code.BAD_REQUEST, why, HTTPStatus.METHOD_NOT_ALLOWED, Allow=", ".join(methods))
        await answer(scope, receive, send)


async def broken(request: Request, error: Exception) -> Response:
    """Answers where something of ours is wrong. What it was is in the log alone, where the server writes it next."""
    number = str(ULID())
    logger.error("page failed: %s: %s %s: %s", number, request.method, request.url.path, type(error).__name__)
    why = f"something went wrong, which the device's log tells under {number}"
    return _said(Code.FAILED, why, HTTPStatus.INTERNAL_SERVER_ERROR, Connection="close")  # as the server will


async def unknown(_: Request, error: Exception) -> Response:
    """Answers where there is nothing, or not by this method."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _said(Code.BAD_REQUEST, status.phrase, status, **headers)


def not_ours(why: str) -> Response:
    """Answers whom the guard does not let in."""
    return refused(Code.NOT_PERMITTED, why)


def _otherwise(route: BaseRoute, scope: Scope) -> set[str]:
    match, _ = route.matches(scope)
    return set(getattr(route, "methods", None) or ()) if match is Match.PARTIAL else set()


def _said(code: Code, why: str, status: HTTPStatus, **headers: str) -> Response:
    return JSONResponse({"ok": False, "code": code.value, "message": why}, status, headers=headers)
