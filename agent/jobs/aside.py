"""Work that calls back, as a job that is stepped: it runs in a thread of its own and is looked at now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, TypeAlias, TypeVar

from agent.jobs.job import Step

T = TypeVar("T")
LOOK_SECONDS: Final = 0.25

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told how far work is: done, of how many, at what."""


class _GivenUpError(BaseException):
    """Ends the work from within: nobody waits for it any more."""


def aside(work: Callable[[Progress], T]) -> Generator[Step, None, T]:
    """Yields how far `work` is until it ends; returns what it returns, or raises what it raises.

    Closed, it ends the work the next time that this tells how far it is, and waits for that.
    """
    latest, given_up = Step(0), threading.Event()

    def progress(now: int, of: int, note: str) -> None:
        nonlocal latest
        if given_up.is_set():
            raise _GivenUpError
        latest = Step(now, of, note)

    with ThreadPoolExecutor(1, thread_name_prefix="aside") as pool:  # waits for its thread
        future = pool.submit(work, progress)
        try:
            while not future.done():
                yield latest
                wait((future,), LOOK_SECONDS)
        finally:
            given_up.set()
        return future.result()


def quiet(done: int, of: int, note: str) -> None:
    """Tells nobody."""
