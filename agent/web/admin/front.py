"""The front of the counter: what a browser asks is looked at, done in a thread of its own, and answered as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from ulid import ULID

from agent.bundle import Bundle
from agent.errors import CommandError, LatchkeyError, StoreError
from agent.health import HealthCheck, health_of
from agent.mqtt.envelope import LIFETIME
from agent.mqtt.message import Code
from agent.mqtt.wire import COMMANDS, Result, code_of, explain, refusal
from agent.pulse import Pulse
from agent.store.db import Db, open_db
from agent.web.admin.sessions import Session, Sessions

if TYPE_CHECKING:
    from agent.app import Agent

T = TypeVar("T")
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Signed: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
"""What answers somebody who has signed in."""

COOKIE: Final = "latchkey"  # on this machine; by TLS `__Host-latchkey`, which no other host can set (RFC 6265bis)
SESSION_HEADER: Final = "X-Latchkey-Session"
BODY_SECONDS: Final = 30.0  # for all of it to come
LONGEST_BODY: Final = 12 * 2**20  # bytes: a photo in base64; more of them one by one
MOST_WAITING: Final = 16  # requests that wait for the thread
STATUS: Final = {
    Code.BAD_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.UNKNOWN_VERB: HTTPStatus.NOT_FOUND,
    Code.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    Code.TOO_OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
    Code.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    Code.NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    Code.STORAGE_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal is in HTTP; one that is not here has understood the request: 409 Conflict."""


class Front:
    """A context: leaving ends the thread.

    Args:
        agent: whose page it is.
        bundle: with the site's key.
        encrypted: whether it is served by TLS.
    """

    def __init__(self, agent: Agent, bundle: Bundle, *, encrypted: bool) -> None:
        told = agent.config.admin
        self.agent, self.bundle, self.encrypted = agent, bundle, encrypted
        self.sessions = Sessions(told.idle_minutes * 60, told.longest_hours * 3600)
        self.cookie = f"__Host-{COOKIE}" if encrypted else COOKIE
        self._once = agent.counter.once()
        self._waiting = 0
        with ExitStack() as stack:
            self._db = stack.enter_context(open_db(agent.config.database_path, key=bundle.key))
            pulse = stack.enter_context(open_db(agent.config.database_path))
            self.pulse = Pulse(partial(health_of, agent, HealthCheck(agent.config, pulse, boot_id=agent.boot_id)))
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="admin")
            stack.callback(self._thread.shutdown, cancel_futures=True)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def signed(self, verb: str | None, answer: Signed) -> Endpoint:
        """Returns an endpoint for those alone who have signed in and may ask `verb`; None: all of them."""

        async def endpoint(request: Request) -> Response:
            session = self.session(request)
            if session is None:
                return refused(Code.UNSIGNED, "sign in first")
            if request.method not in {"GET", "HEAD"} and request.headers.get(SESSION_HEADER) != session.secret:
                return refused(Code.UNSIGNED, "this page is not the one that has signed in: load it again")
            if verb is not None and not session.may(verb):
                return refused(Code.NOT_PERMITTED, f"a {session.role} may not ask {verb}")
            try:
                return await answer(request, session)
            except LatchkeyError as error:
                return refused(code_of(error), str(error))

        return endpoint

    def session(self, request: Request) -> Session | None:
        """Returns the session of whoever asks, if there is one."""
        token = request.cookies.get(self.cookie)
        return self.sessions.find(token) if token else None

    async def ask(self, session: Session, verb: str, arguments: dict[str, Any]) -> Result:
        """Has a verb carried out as the broker would, in the name of an account.

        Args:
            session: who asks.
            verb: as in deploy/MQTT.md.
            arguments: of the command; an `id` is made where there is none: the same again does nothing twice.
        """
        body = {"id": str(ULID()), **arguments}
        id_ = body["id"] if isinstance(body["id"], str) else None
        if verb not in COMMANDS or verb not in self.agent.counter.handlers:
            return refusal(verb, id_, Code.UNKNOWN_VERB, f'no command "{verb}"')
        if not session.may(verb):
            return refusal(verb, id_, Code.NOT_PERMITTED, f"a {session.role} may not ask {verb}")
        try:
            command = COMMANDS[verb].model_validate_json(json.dumps(body)).asked(session.by, None, session.role)
        except ValidationError as error:
            return refusal(verb, None, Code.BAD_REQUEST, explain(error))
        return await self.do(lambda: self._carried_out(verb, command))

    async def read(self, function: Callable[[Db], T]) -> T:
        """Returns what a function reads from the database, in the page's own thread.

        Raises:
            CommandError: too much is waiting already.
            StoreError: it cannot be read.
        """
        return await self.do(lambda: function(self._db))

    async def do(self, function: Callable[[], T]) -> T:
        """Returns what a function returns, in the page's own thread: nothing else may take longer than a moment.

        Raises:
            CommandError: too much is waiting already.
        """
        if self._waiting >= MOST_WAITING:
            raise CommandError(Code.BUSY, "too many ask at once: try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        finally:
            self._waiting -= 1

    def _carried_out(self, verb: str, command: Any) -> Result:
        counter = self.agent.counter
        try:
            counter.look()
            return self._once.do(verb, command, datetime.now(UTC) + LIFETIME)
        except StoreError as error:
            return refusal(verb, command.id, Code.STORAGE_FAILED, str(error))


async def json_body(request: Request, longest: int = LONGEST_BODY) -> dict[str, Any]:
    """Returns the object that a request carries.

    Raises:
        CommandError: it is too long, too slow, or no JSON object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise CommandError(Code.BAD_REQUEST, "JSON is wanted: Content-Type: application/json")
    body = await bytes_body(request, longest)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise CommandError(Code.BAD_REQUEST, "this is no JSON") from None
    if not isinstance(told, dict):
        raise CommandError(Code.BAD_REQUEST, "a JSON object is wanted")
    return told


async def bytes_body(request: Request, longest: int) -> bytes:
    """Returns what a request carries.

    Raises:
        CommandError: it is too long, or too slow.
    """
    try:
        return await asyncio.wait_for(_body(request, longest), BODY_SECONDS)
    except (TimeoutError, ClientDisconnect):
        raise CommandError(Code.BAD_REQUEST, "it did not come in time") from None


def answered(result: Result) -> Response:
    """Returns the result of a verb as HTTP has it."""
    status = HTTPStatus.OK if result.ok else STATUS.get(result.code or Code.FAILED, HTTPStatus.CONFLICT)
    return Response(result.to_json(), status, media_type="application/json")


def refused(code: Code, why: str, **headers: str) -> Response:
    """Returns that something is not done, and why."""
    said = {"ok": False, "code": code.value, "message": why}
    return JSONResponse(said, STATUS.get(code, HTTPStatus.CONFLICT), headers=headers)


async def _body(request: Request, longest: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise CommandError(Code.TOO_LARGE, f"at most {longest} bytes are wanted")
    return bytes(body)
