"""The front of the counter: what a browser asks is looked at, done in a thread of its own, and answered as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, aclosing
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from ulid import ULID

from agent.bundle import Bundle
from agent.crew import PART_SECONDS
from agent.errors import CommandError, LatchkeyError, SignInRefused, StoreError
from agent.mqtt.envelope import LIFETIME
from agent.mqtt.message import Code
from agent.mqtt.wire import COMMANDS, Result, explain, recover_id, refusal
from agent.register import Request as Asker
from agent.store.db import Db, open_db
from agent.unknown.album import Album
from agent.web.admin.answers import Endpoint, refused, refused_as, sent_away
from agent.web.admin.backroom import Backroom, File
from agent.web.admin.lookout import Lookout
from agent.web.admin.porter import Porter
from agent.web.admin.sessions import Session, Sessions

if TYPE_CHECKING:
    from agent.app import Agent

T = TypeVar("T")
Signed: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
"""What answers somebody who has signed in."""

COOKIE: Final = "latchkey"  # on this machine; by TLS `__Host-latchkey`, which no other host can set (RFC 6265bis)
SESSION_HEADER: Final = "X-Latchkey-Session"
LOOKS_HEADER: Final = "X-Latchkey-Looks"  # "1": the page looks by itself, which does not keep a session alive


class Front:
    """A context: leaving ends the thread.

    Attributes:
        beside: for what takes longer to read than a moment.

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
        self.lookout = Lookout(agent)
        self._once = agent.counter.once()
        with ExitStack() as stack:
            path, left = agent.config.database_path, partial(agent.stopping.left, PART_SECONDS)
            db = open_db(path, key=bundle.key)
            self.album = Album(agent.config, db.seal)
            self._backroom = stack.enter_context(Backroom(db, left))
            self.beside = stack.enter_context(Backroom(open_db(path, key=bundle.key), left, "admin-beside"))
            self.porter = stack.enter_context(Porter(agent, bundle))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def signed(self, verb: str | None, answer: Signed) -> Endpoint:
        """Returns an endpoint for those alone who have signed in and may ask `verb`; None: all of them."""

        async def endpoint(request: Request) -> Response:
            try:
                session = self.session(request)
            except StoreError as error:
                return refused(Code.STORAGE_FAILED, str(error))
            if session is None:
                return refused(Code.UNSIGNED, "sign in first")
            if request.method not in {"GET", "HEAD"} and not session.is_told(request.headers.get(SESSION_HEADER, "")):
                return refused(Code.UNSIGNED, "this page is not the one that has signed in: load it again")
            if verb is not None and not session.may(verb):
                return refused(Code.NOT_PERMITTED, f"a {session.role} may not ask {verb}")
            try:
                return self._while_signed(request, await answer(request, session))
            except SignInRefused as error:
                return sent_away(error, HTTPStatus.FORBIDDEN)
            except LatchkeyError as error:
                return refused_as(error)

        return endpoint

    def check_stands(self, session: Session) -> None:
        """Refuses whose session has ended while the request came in: a body may take half a minute.

        Raises:
            CommandError: it has ended.
            StoreError: that cannot be known.
        """
        if not self.sessions.has(session) or not self.porter.stands(session):
            raise CommandError(Code.UNSIGNED, "signed out meanwhile: sign in again")

    def session(self, request: Request) -> Session | None:
        """Returns the session of whoever asks, if there is one, and its account is as it was."""
        looks = request.method == "GET" and request.headers.get(LOOKS_HEADER) == "1"
        return self._found(request.cookies.get(self.cookie, ""), using=not looks)

    def _found(self, token: str, *, using: bool = True) -> Session | None:
        session = self.sessions.find(token, using=using)
        if session is not None and not self.porter.stands(session):
            self.sessions.close(token)
            return None
        return session

    def _check_found(self, token: str) -> None:
        if self._found(token, using=False) is None:
            raise CommandError(Code.UNSIGNED, "signed out meanwhile")

    def _while_signed(self, request: Request, response: Response) -> Response:
        """A stream ends with the session, and a file breaks off; to listen is not to use it."""
        if isinstance(response, StreamingResponse):
            token, stream, file = request.cookies[self.cookie], response.body_iterator, isinstance(response, File)

            async def body() -> AsyncIterator[Any]:
                async with aclosing(stream):  # type: ignore[type-var]  # an async generator, in all of our rooms
                    async for part in stream:
                        try:
                            self._check_found(token)
                        except LatchkeyError:
                            if file:
                                raise
                            return
                        yield part

            response.body_iterator = body()
        return response

    def request(self, session: Session) -> Asker:
        """Returns who asks, for the audit."""
        clock = self.agent.porch.entrance.clock()
        return Asker(session.by, datetime.now(UTC), self.agent.boot_id, clock=clock)

    async def ask(self, session: Session, verb: str, arguments: dict[str, Any]) -> Result:
        """Has a verb carried out as the broker would, in the name of an account.

        Args:
            session: who asks.
            verb: as in deploy/MQTT.md.
            arguments: of the command; an `id` is made where there is none: the same again does nothing twice.

        Raises:
            CommandError: the session has ended meanwhile, or too much is waiting already.
        """
        body = json.dumps({"id": str(ULID()), **arguments}).encode()
        if verb not in COMMANDS or verb not in self.agent.counter.handlers:
            return refusal(verb, recover_id(body), Code.UNKNOWN_VERB, f'no command "{verb}"')
        if not session.may(verb):
            return refusal(verb, recover_id(body), Code.NOT_PERMITTED, f"a {session.role} may not ask {verb}")
        self.check_stands(session)
        try:
            command = COMMANDS[verb].model_validate_json(body).asked(session.by, None, session.role)
        except ValidationError as error:
            return refusal(verb, recover_id(body), Code.BAD_REQUEST, explain(error))
        return await self.do(lambda: self._carried_out(verb, command))

    async def read(self, function: Callable[[Db], T]) -> T:
        """Returns what a function reads from the database, in the page's own thread.

        Raises:
            CommandError: too much is waiting already.
            StoreError: it cannot be read.
        """
        return await self._backroom.read(function)

    async def do(self, function: Callable[[], T]) -> T:
        """Returns what a function returns, in the page's own thread: nothing else may take longer than a moment.

        Raises:
            CommandError: too much is waiting already.
        """
        return await self._backroom.do(function)

    def _carried_out(self, verb: str, command: Any) -> Result:
        counter = self.agent.counter
        try:
            counter.look()
            return self._once.do(verb, command, datetime.now(UTC) + LIFETIME)
        except StoreError as error:
            return refusal(verb, command.id, Code.STORAGE_FAILED, str(error))
