"""What takes longer to read than a moment: one after the other, in a thread beside that of the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.store.db import Db

T = TypeVar("T")
MOST_WAITING: Final = 8  # pieces of work
MOST_STREAMS: Final = 4  # files that are on their way
STREAM_SECONDS: Final = 600.0  # for all of one to be taken


class Beside:
    """A context: leaving ends the thread.

    Args:
        db: that nobody else uses.
    """

    def __init__(self, db: Db) -> None:
        self._db = db
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="admin-beside")
        self._waiting = self._streams = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def read(self, function: Callable[[Db], T]) -> T:
        """Returns what a function reads.

        Raises:
            CommandError: too much is waiting already.
            StoreError: it cannot be read.
        """
        if self._waiting >= MOST_WAITING:
            raise CommandError(Code.BUSY, "too many ask at once: try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, self._db)
        finally:
            self._waiting -= 1

    async def stream(self, function: Callable[[Db], Iterator[bytes]], headers: dict[str, str]) -> StreamingResponse:
        """Returns an answer that is made while it is taken, piece by piece, so that others are read for in between.

        Raises:
            CommandError: too much is on its way already, or what the function raises before its first piece.
            StoreError: it cannot be read.
        """
        if self._streams >= MOST_STREAMS:
            raise CommandError(Code.BUSY, "too many files are on their way: try again in a moment")
        pieces = self._pieces(function)
        first = await anext(pieces)  # what goes wrong before it can still be said
        return _InTime(_with(first, pieces), headers=headers)

    async def _pieces(self, function: Callable[[Db], Iterator[bytes]]) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            made = await self.read(function)
            while (piece := await self.read(lambda _: next(made, None))) is not None:
                yield piece
        finally:
            self._streams -= 1


class _InTime(StreamingResponse):
    """Gives up on who does not take it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STREAM_SECONDS):
                await super().__call__(scope, receive, send)


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
