"""What can be asked of the page for admins: its files, and under `/admin/api` everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agent.mqtt.message import Code
from agent.web.admin.front import Front, refused
from agent.web.admin.rooms import attendance, commands, device, live, people, rules, session
from agent.web.assets import load_folder, served
from agent.web.guard import Guard

FOLDER: Final = Path(__file__).parent / "page"
ROOMS: Final = (session, commands, people, live, rules, attendance, device)


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

    async def nothing(_: Request) -> Response:
        return refused(Code.UNKNOWN_VERB, "there is nothing of this name")

    routes = [
        Route("/", home),
        *(route for room in ROOMS for route in room.routes(front)),
        Route("/admin/api/{rest:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/admin", asset),
        Route("/admin/{name:path}", asset),
    ]
    return Guard(Starlette(routes=routes), *names, ours="admin", encrypted=front.encrypted)
