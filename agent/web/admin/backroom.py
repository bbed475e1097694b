"""Where the page has things done: one thread with a database of its own, and not too many who wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.store.db import Db

logger = logging.getLogger(__name__)

T = TypeVar("T")
MOST_WAITING: Final = 32  # requests; those after them are told to come again


class Backroom:
    """A context: leaving waits for what is being done, and forgets what is not begun.

    Args:
        db: to read, by this thread alone; closed on leaving.
        patience: seconds that leaving may take.
    """

    def __init__(self, db: Db, patience: Callable[[], float]) -> None:
        self._db, self._patience = db, patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="admin")
        self._asked: set[Future[Any]] = set()

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
