"""What can be asked of the web server: the page, its files, its news, the picture, and where to send what was typed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, Final, TypeVar

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from agent.errors import SignatureRefused, StoreError
from agent.mqtt.message import LARGEST, Message
from agent.web.assets import load_kiosk, served
from agent.web.audience import Audience, Listener
from agent.web.body import whole_body
from agent.web.drawn import LONGEST_DRAWN, Drawn
from agent.web.guard import Guard
from agent.web.intake import Intake, Typed
from agent.web.mirror import WATCHERS, Mirror, watch
from agent.web.screens import COOKIE, Link, Screens, keep

log = logging.getLogger(__name__)

LONGEST_BODY: Final = 1024  # bytes
BODY_SECONDS: Final = 5.0  # for all of it to come

Body = TypeVar("Body", bound=Message)


class Answer(Message):
    """What somebody who is being enrolled has pressed."""

    session: Annotated[int, Field(ge=0, le=LARGEST)]
    agreed: bool  # False: no more of it


class Site:
    """The application.

    Args:
        audience: who listens.
        intake: takes what was typed.
        mirror: what is seen; None where no picture of it is to be had.
        answer: takes what somebody who is being enrolled has pressed: the session's number, whether they agree.
        consents: the text to agree to, by language.
        screens: the browsers that the page is for; None: all that reach it, on this machine.
    """

    def __init__(
        self,
        audience: Audience,
        intake: Intake,
        mirror: Mirror | None = None,
        *,
        answer: Callable[[int, bool], bool] = lambda *_: False,
        consents: Mapping[str, bytes] | None = None,
        screens: Screens | None = None,
    ) -> None:
        self._screens = screens
        self._audience, self._intake, self._assets = audience, intake, load_kiosk()
        self._mirror, self._answered, self._consents = mirror, answer, consents or {}

    def app(self, *names: str) -> ASGIApp:
        """Returns it as ASGI, guarded, for the names of this host beside addresses; by TLS where it has screens."""
        routes = [
            Route("/", self._home),
            Route("/kiosk", self._page),
            Route("/kiosk/screen", self._screen, methods=["POST"]),
            Route("/kiosk/events", self._for_screens(self._events)),
            Route("/kiosk/picture", self._for_screens(self._picture), methods=["GET"]),
            Route("/kiosk/consent/{language}", self._for_screens(self._consent)),
            Route("/kiosk/credential", self._for_screens(self._credential), methods=["POST"]),
            Route("/kiosk/signature", self._for_screens(self._signature), methods=["POST"]),
            Route("/kiosk/answer", self._for_screens(self._answer), methods=["POST"]),
            Route("/kiosk/{name:path}", self._asset),
        ]
        return Guard(Starlette(routes=routes), *names, encrypted=self._screens is not None)

    def _shows(self, request: Request) -> bool:
        """Whether the page is for whoever asks."""
        try:
            return self._screens is None or self._screens.knows(request)
        except StoreError as error:
            log.warning("who is a screen, is not known now: %s", error)
            return False

    def _for_screens(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not self._shows(request):
                return _refused("this screen is not let in: latchkey account screen NAME", 401)
            return await answer(request)

        return endpoint

    async def _page(self, request: Request) -> Response:
        """The page; to who is no screen, what makes it one."""
        if not self._shows(request):
            return served(self._assets, request, "screen.html")
        response = await self._asset(request)
        if self._screens is not None:
            keep(response, request.cookies[COOKIE])
        return response

    async def _screen(self, request: Request) -> Response:
        if self._screens is None:
            return _refused("this page is for this machine alone, and wants no link", 404)
        sent = await self._sent(request, Link)
        if isinstance(sent, Response):
            return sent
        try:
            token = await self._screens.open(sent.link, request.client.host if request.client else "")
        except StoreError as error:
            return _refused(str(error), 503)
        if token is None:
            return _refused("this link was opened already, or is older than a day: make another one", 403)
        response = _taken()
        keep(response, token)
        return response

    async def _home(self, _: Request) -> Response:
        return RedirectResponse("/kiosk", 307)

    async def _asset(self, request: Request) -> Response:
        return served(self._assets, request)

    async def _consent(self, request: Request) -> Response:
        text = self._consents.get(request.path_params["language"])
        return _refused("there is no such text", 404) if text is None else Response(text, media_type="text/plain")

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(self._stream(self._audience.join(), request), media_type="text/event-stream")

    async def _stream(self, listener: Listener, request: Request) -> AsyncIterator[str]:
        try:
            yield "retry: 1000\n\n"
            while (messages := await listener.take()) and self._shows(request):
                yield "".join(f"data: {message}\n\n" for message in messages)
        finally:
            self._audience.leave(listener)

    async def _picture(self, request: Request) -> Response:
        if self._mirror is None:
            return _refused('there is no picture: [web] picture = "live" shows one', 404)
        stream = await watch(self._mirror, lambda: self._shows(request))
        if stream is None:
            return _refused(f"{WATCHERS} watch already", 429)
        return StreamingResponse(stream, media_type="multipart/x-mixed-replace; boundary=frame")

    async def _credential(self, request: Request) -> Response:
        typed = await self._sent(request, Typed)
        if isinstance(typed, Response):
            return typed
        try:
            taken = self._intake.take(typed)
        except ValueError as error:  # which does not say what was typed
            return _refused(str(error), 422)
        return _taken() if taken else _refused("the door is busy", 429)

    async def _signature(self, request: Request) -> Response:
        if not self._intake.takes_signatures:
            return _refused("no encoder for signatures is installed here", 404)
        drawn = await self._sent(request, Drawn, most=LONGEST_DRAWN)
        if isinstance(drawn, Response):
            return drawn
        try:
            taken = self._intake.take_drawn(drawn)
        except SignatureRefused as refused:
            return JSONResponse({"taken": False, "error": str(refused), "code": refused.code})
        return _taken() if taken else _refused("the door is busy", 429)

    async def _answer(self, request: Request) -> Response:
        answer = await self._sent(request, Answer)
        if isinstance(answer, Response):
            return answer
        taken = self._answered(answer.session, answer.agreed)
        return _taken() if taken else _refused("that is over already", 409)

    async def _sent(self, request: Request, kind: type[Body], *, most: int = LONGEST_BODY) -> Body | Response:
        """What was sent, or why it is not taken."""
        if self._intake.too_many():
            return _refused("too many within a second", 429)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _refused("JSON is wanted", 415)
        try:
            body = await whole_body(request, most, BODY_SECONDS)
        except TimeoutError:
            return _refused("it did not come in time", 408)
        if body is None:
            return _refused(f"at most {most} bytes are wanted", 413)
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            return _refused(f"not understood: {error.errors(include_url=False, include_input=False)[0]['msg']}", 422)


def _taken() -> Response:
    return JSONResponse({"taken": True}, 202)


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status)
