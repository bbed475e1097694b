"""The porter: who signs in, and whether whoever did still may; in a thread of its own, one at a time.

A hash takes 46 MiB and some tenths of a second of a Pi's core: so nothing else of the page waits for it, and no two are
computed at once. A few may wait; the others are sent away at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from agent.accounts import signing_in
from agent.accounts.account import Account
from agent.accounts.signing_in import Attempt
from agent.audit import audit
from agent.clock import clock_state
from agent.errors import SignInRefused, StoreError
from agent.refusals import RefusalLog
from agent.register import Request
from agent.store import accounts as store
from agent.store.db import Db, open_db
from agent.web.admin.sessions import Session

if TYPE_CHECKING:
    from agent.app import Agent
    from agent.bundle import Bundle

T = TypeVar("T")
WAITING: Final = 4  # who sign in, with the one who is looked at: two seconds of a Pi
BUSY_SECONDS: Final = 5
STEP_SECONDS: Final = 1.0
UNTOLD: Final = 1024  # refusals that wait to be written down; of more the oldest are lost, and a flood is told anyway


class Porter:
    """A context: leaving ends the thread, and writes down who was refused.

    Args:
        agent: whose page it is.
        bundle: with the site's key.
    """

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        self.config, self._boot_id, self.write = agent.config, agent.boot_id, agent.recorder.write
        self._log = RefusalLog(self.write, self.asks, action="sign_in_refused", nobody="page")
        self._refused: deque[tuple[str | None, str, str]] = deque(maxlen=UNTOLD)
        self._closing, self._waiting = threading.Event(), 0
        with ExitStack() as stack:
            path = agent.config.database_path
            self._db, self._seen = (stack.enter_context(open_db(path, key=bundle.key)) for _ in range(2))
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="porter")
            stack.callback(self._thread.shutdown, cancel_futures=True)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._stack.close()
        self._tell()
        self._log.close()

    def asks(self, by: str) -> Request:
        """Returns who asks, now."""
        clock = clock_state(self.config.clock.synchronised_file)
        return Request(by, datetime.now(UTC), self._boot_id, clock=clock)

    async def sign_in(self, attempt: Attempt) -> Account:
        """Returns whose name, password and code these are; without a code, whose password.

        Raises:
            SignInRefused: nobody's, or not now.
            StoreError: it cannot be written down.
        """
        try:
            return await self.do(lambda db: signing_in.sign_in(db, self.write, attempt, self.asks("page")))
        except SignInRefused as error:
            known = attempt.name if store.find(self._seen, attempt.name) else None  # what nobody is called, is not kept
            self._refused.append((known, attempt.address, str(error.code)))
            raise

    async def do(self, function: Callable[[Db], T]) -> T:
        """Returns what a function of the database returns, in the porter's thread. It may hash.

        Raises:
            SignInRefused: `busy`.
        """
        if self._waiting >= WAITING:
            raise SignInRefused("busy", "too many sign in at once: try again in a moment", retry_seconds=BUSY_SECONDS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, self._db)
        finally:
            self._waiting -= 1

    async def signed_out(self, session: Session, browsers: int = 1) -> None:
        """Writes down that somebody has gone; where that cannot be done now, they have gone all the same.

        Args:
            session: who has ended it.
            browsers: on how many.
        """
        details = {"account": session.name, "address": session.address, "browsers": browsers}

        def told(db: Db) -> None:
            audit(db, "signed_out", None, self.asks(session.by), details)

        with suppress(SignInRefused, StoreError):
            await self.do(lambda _: self.write(told))

    def stands(self, session: Session) -> bool:
        """Whether the account of a session is as it was when it was opened: a look at one row, of the server's thread.

        Raises:
            StoreError: it cannot be read.
        """
        account = store.find(self._seen, session.name)
        return account is not None and account.disabled_at is None and account.generation == session.generation

    def nobody_there(self) -> bool:
        """Whether there is no account at all; of the server's thread."""
        return store.count(self._seen) == 0

    def step(self) -> None:
        """A worker's step: writes down who was refused, now and then."""
        self._closing.wait(STEP_SECONDS)
        self._tell()
        self._log.step()

    def _tell(self) -> None:
        while self._refused:
            name, address, code = self._refused.popleft()
            self._log.count(None, account=name, address=address, code=code)
