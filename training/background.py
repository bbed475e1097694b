"""Batches made in a process of their own: a thread would hold Python's lock while the net waits for it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Ready(Protocol[T_co]):
    """Where the batches arrive."""

    def get(self) -> T_co:
        """Returns the next one; waits for it."""
        ...


def in_background(draw: Callable[[], T_co], *, ahead: int = 8) -> Ready[T_co]:
    """Returns a queue that a forked process keeps filled with what `draw` returns. It ends with this process."""
    context = multiprocessing.get_context("fork")
    ready = context.Queue(ahead)

    def fill() -> None:
        import cv2

        cv2.setNumThreads(0)
        while True:
            ready.put(draw())

    context.Process(target=fill, daemon=True).start()
    return ready
