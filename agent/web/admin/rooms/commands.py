"""Every verb there is, as a request: what MQTT and the command line can ask, and nothing else."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.trust.roles import VERBS
from agent.web.admin.front import Front, answered, json_body
from agent.web.admin.sessions import Session


def routes(front: Front) -> list[Route]:
    """Returns `POST /admin/api/ask/{verb}`, and who asks: `GET /admin/api/me`."""

    async def ask(request: Request, session: Session) -> Response:
        arguments = await json_body(request)
        return answered(await front.ask(session, request.path_params["verb"], arguments))

    async def me(_: Request, session: Session) -> Response:
        device = front.agent.config.device
        verbs = [verb for verb in VERBS if session.may(verb) and verb in front.agent.counter.handlers]
        said = {"name": session.name, "role": session.role, "verbs": verbs, "secret": session.secret}
        return JSONResponse(said | {"site": device.site, "device": device.name})

    return [
        Route("/admin/api/ask/{verb}", front.signed(None, ask), methods=["POST"]),
        Route("/admin/api/me", front.signed(None, me), methods=["GET"]),
    ]
