"""What can be asked of the web server: the page, its files, its news, and one place to send what was typed to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from agent.web.assets import load_assets
from agent.web.audience import Audience, Listener
from agent.web.guard import Guard
from agent.web.intake import Intake, Typed

log = logging.getLogger(__name__)

LONGEST_BODY: Final = 1024  # bytes
BODY_SECONDS: Final = 5.0  # for all of it to come


class Site:
    """The application.

    Args:
        audience: who listens.
        intake: takes what was typed.
    """

    def __init__(self, audience: Audience, intake: Intake) -> None:
        self._audience, self._intake, self._assets = audience, intake, load_assets()

    def app(self, host: str) -> ASGIApp:
        """Returns it as ASGI, guarded."""
        routes = [
            Route("/", self._home),
            Route("/kiosk", self._asset),
            Route("/kiosk/events", self._events),
            Route("/kiosk/credential", self._credential, methods=["POST"]),
            Route("/kiosk/{name:path}", self._asset),
        ]
        return Guard(Starlette(routes=routes), host)

    async def _home(self, _: Request) -> Response:
        return RedirectResponse("/kiosk", 307)

    async def _asset(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params.get("name", ""))
        if asset is None:
            return _refused("there is no such file", 404)
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == asset.etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._stream(self._audience.join()), media_type="text/event-stream")

    async def _stream(self, listener: Listener) -> AsyncIterator[str]:
        try:
            yield "retry: 1000\n\n"
            while messages := await listener.take():
                yield "".join(f"data: {message}\n\n" for message in messages)
        finally:
            self._audience.leave(listener)

    async def _credential(self, request: Request) -> Response:
        if self._intake.too_many():
            return _refused("too many within a second", 429)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _refused("JSON is wanted", 415)
        try:
            body = await asyncio.wait_for(_body(request), BODY_SECONDS)
        except (TimeoutError, ClientDisconnect):
            return _refused("it did not come in time", 408)
        if body is None:
            return _refused(f"at most {LONGEST_BODY} bytes are wanted", 413)
        try:
            taken = self._intake.take(Typed.model_validate_json(body))
        except ValidationError as error:
            return _refused(f"not understood: {error.errors(include_url=False, include_input=False)[0]['msg']}", 422)
        except ValueError as error:  # which does not say what was typed
            return _refused(str(error), 422)
        return JSONResponse({"taken": True}, 202) if taken else _refused("the door is busy", 429)


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too long, which is seen before it is read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            return None
    return body


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status)
