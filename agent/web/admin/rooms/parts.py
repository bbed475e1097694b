"""What is too large for one command goes before it, in parts, as over MQTT: into the same spool, by the same limits.

POST parts {id_of, parts}                  announces them by their SHA-256
PUT  /admin/api/parts/<verb>/<id>/<n>/<of> each, in any order
POST <verb> {id, parts}                    is carried out with these alone
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import CommandError
from agent.mqtt.message import Code, PartedCommand
from agent.mqtt.topics import ID_PATTERN, PartTopic
from agent.mqtt.wire import COMMANDS
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

LONGEST: Final = 2**20  # bytes of a part: a photo is of some, a bundle of models of sixteen
PART: Final = Operation(
    "PUT",
    "parts/{verb}/{id}/{number}/{of}",
    "Sends a part of a command that will name it; announce them by `parts` first.",
    verb="parts",
    body="application/octet-stream",
    longest=LONGEST,
)
OPERATIONS: Final = (PART,)


def routes(front: Front) -> list[Route]:
    """Returns what takes a part."""

    async def part(request: Request, session: Session) -> Response:
        told, body = request.path_params, request.state.body
        verb = told["verb"]
        if not issubclass(COMMANDS.get(verb, object), PartedCommand):
            raise CommandError(Code.BAD_REQUEST, f'no command "{verb[:32]}" that takes parts')
        if not session.may(verb):
            raise CommandError(Code.NOT_PERMITTED, f"a {session.role} may not ask {verb}")
        id_ = told["id"] if re.fullmatch(ID_PATTERN, told["id"]) else None
        topic = PartTopic(verb, id_, _number(told["number"]), _number(told["of"]))
        await front.do(partial(front.agent.counter.spool.add, topic, body, size=len(body)))
        return PART.answered(None)

    return [PART.route(front, part)]


def _number(text: str) -> int:
    """A number of four digits at the most; 0 where it is none."""
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else 0
