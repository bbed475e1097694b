"""Where the page has things done: a thread with a database of its own, and not too many who wait for it.

There are two, so that what is long to read keeps nobody from what takes a moment. What is too long for one answer comes
in pieces, between which others are read for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from agent.errors import CommandError, LatchkeyError
from agent.mqtt.message import Code
from agent.store.db import Db

logger = logging.getLogger(__name__)

T = TypeVar("T")
MOST_WAITING: Final = 32  # requests; those after them are told to come again
MOST_STREAMS: Final = 4  # answers in pieces that are on their way: a browser that does not read keeps one
STREAM_SECONDS: Final = 600.0  # for all of one to be taken


class Backroom:
    """A context: leaving waits for what is being done, and forgets what is not begun.

    Args:
        db: to read, by this thread alone; closed on leaving.
        patience: seconds that leaving may take.
        name: of the thread.
    """

    def __init__(self, db: Db, patience: Callable[[], float], name: str = "admin") -> None:
        self._db, self._patience = db, patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._asked: set[Future[Any]] = set()
        self._streams = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if wait(set(self._asked), self._patience()).not_done:
            logger.warning("page for admins: what it does takes longer than the agent may take to stop")
            return  # its database is in use
        self._db.close()

    async def read(self, function: Callable[[Db], T]) -> T:
        """Returns what a function reads from the database. Raises as `do`."""
        return await self.do(lambda: function(self._db))

    async def do(self, function: Callable[[], T]) -> T:
        """Returns what a function returns.

        Raises:
            CommandError: too much is waiting already, or the agent stops.
        """
        if len(self._asked) >= MOST_WAITING:
            raise CommandError(Code.BUSY, "too many ask at once: try again in a moment")
        try:
            asked = self._thread.submit(function)
        except RuntimeError:  # after `shutdown`
            raise CommandError(Code.BUSY, "the device stops: try again in a moment") from None
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        return await asyncio.wrap_future(asked)

    async def stream(self, function: Callable[[Db], Iterator[bytes]], headers: dict[str, str]) -> File:
        """Returns an answer that is made while it is taken, piece by piece, so that others are read for in between.

        Raises:
            CommandError: too much is on its way already, or what the function raises before its first piece.
            StoreError: it cannot be read.
        """
        if self._streams >= MOST_STREAMS:
            raise CommandError(Code.BUSY, "too many long answers are on their way: try again when one has ended")
        pieces = self._pieces(function)
        first = await anext(pieces, b"")  # what goes wrong before it can still be said
        return File(_with(first, pieces), headers=headers)

    async def _pieces(self, function: Callable[[Db], Iterator[bytes]]) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            made = await self.read(function)
            while (piece := await self.do(lambda: next(made, None))) is not None:
                yield piece
        finally:
            self._streams -= 1


class File(StreamingResponse):
    """All of it comes, or the connection breaks, so that what was cut short does not look whole.

    Who does not take it is given up on.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, as ASGI has it; what is left without its end, the server breaks off."""
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            logger.warning("page for admins: a file was broken off: it was not taken in %d s", STREAM_SECONDS)
        except LatchkeyError as error:
            logger.warning("page for admins: a file was broken off: %s", error)


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
