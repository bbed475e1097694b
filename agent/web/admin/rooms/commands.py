"""Every verb there is, as a request: what MQTT and the command line can ask, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.trust.roles import VERBS, Role
from agent.web.admin.answers import answered
from agent.web.admin.bodies import json_body
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session


@dataclass(frozen=True, slots=True)
class Me:
    """Who has signed in."""

    name: str
    role: Role
    verbs: list[str]
    secret: str  # what `X-Latchkey-Session` has to say
    site: str
    device: str


ME: Final = Operation("GET", "me", "Who has signed in, and which verbs they may ask.", result=Me)
OPERATIONS: Final = (ME,)  # and each verb, see `agent.web.admin.openapi`


def routes(front: Front) -> list[Route]:
    """Returns `POST /admin/api/ask/{verb}`, and who asks: `GET /admin/api/me`."""

    async def ask(request: Request, session: Session) -> Response:
        arguments = await json_body(request)
        return answered(await front.ask(session, request.path_params["verb"], arguments))

    async def me(_: Request, session: Session) -> Response:
        device = front.agent.config.device
        verbs = [verb for verb in VERBS if session.may(verb) and verb in front.agent.counter.handlers]
        return ME.answered(Me(session.name, session.role, verbs, session.secret, device.site, device.name))

    return [
        Route("/admin/api/ask/{verb}", front.signed(None, ask), methods=["POST"]),
        ME.route(front, me),
    ]
