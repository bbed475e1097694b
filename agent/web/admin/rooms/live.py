"""What the view of the door asks beyond the verbs: who is there now, as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agent.audit import audit
from agent.errors import StoreError
from agent.mqtt.message import Code
from agent.store import past
from agent.web.admin.answers import refused
from agent.web.admin.front import Front
from agent.web.admin.operations import EVENTS, PICTURES, Operation
from agent.web.admin.rooms import unknown, visits
from agent.web.admin.sessions import Session
from agent.web.mirror import WATCHERS, watch

LOOK_SECONDS: Final = 0.5  # between two looks at the door, and at whether the session goes on
BEAT_SECONDS: Final = 5.0  # between two states at least
WHO: Final = ("person", "second", "companion", "last_opened_by")


HAPPENS: Final = Operation("GET", "live/events", "Who is at the door, as it happens.", verb="log", result=EVENTS)
PICTURE: Final = Operation(
    "GET", "live/picture", "What the camera sees; the audit tells who watches.", verb="unlock", result=PICTURES
)
OPERATIONS: Final = (HAPPENS, PICTURE, *visits.OPERATIONS, *unknown.OPERATIONS)


def routes(front: Front) -> list[Route]:
    """Returns `/admin/api/live/...`."""

    async def events(request: Request, _: Session) -> Response:
        stream = _events(front, request.cookies[front.cookie])
        return StreamingResponse(stream, media_type="text/event-stream")

    async def picture(request: Request, session: Session) -> Response:
        mirror = front.lookout.mirror
        if mirror is None:
            return refused(Code.NOT_ALLOWED, "the camera is not shown to browsers: [admin] picture is false")
        token = request.cookies[front.cookie]
        stream = await watch(mirror, lambda: front.sessions.find(token, using=False) is not None)
        if stream is None:
            return refused(Code.BUSY, f"{WATCHERS} watch already")
        asked = front.request(session)
        await front.do(lambda: front.agent.recorder.write(lambda db: audit(db, "picture_watched", None, asked)))
        return StreamingResponse(stream, media_type="multipart/x-mixed-replace; boundary=frame")

    return [
        HAPPENS.route(front, events),
        PICTURE.route(front, picture),
        *visits.routes(front),
        *unknown.routes(front),
    ]


async def _events(front: Front, token: str) -> AsyncIterator[str]:
    """What happens, and how the door is when that changes and now and then; until the session ends."""
    lookout, names = front.lookout, dict[str, str | None]()
    listener = lookout.audience.join()
    told: dict[str, Any] = {}
    due = 0.0
    try:
        yield "retry: 2000\n\n"
        while front.sessions.find(token, using=False):
            messages = []
            state = lookout.state()
            if state != told or time.monotonic() >= due:
                told, due = state, time.monotonic() + BEAT_SECONDS
                messages.append(state | {"now": lookout.now()})
            try:
                news = await asyncio.wait_for(listener.take(), 0.001 if messages else LOOK_SECONDS)
                if not news:
                    break
                messages += map(json.loads, news)
            except TimeoutError:
                pass
            for message in messages:
                message["names"] = await _named(front, names, message)
                yield f"data: {json.dumps(message, separators=(',', ':'))}\n\n"
    finally:
        lookout.audience.leave(listener)


async def _named(front: Front, known: dict[str, str | None], message: dict[str, Any]) -> dict[str, str]:
    """What the people in a message are called."""
    body = message.get("event", message)
    ids = {body[who] for who in WHO if body.get(who)} | {
        shot["person"] for shot in body.get("each", ()) if shot["person"]
    }
    if new := ids - known.keys():
        try:
            known |= dict.fromkeys(new) | await front.read(lambda db: past.names(db, new))
        except StoreError:  # the ids will do
            return {}
    return {id_: name for id_ in sorted(ids) if (name := known.get(id_))}
