"""Work in other processes: a thread would hold Python's lock while the net waits for it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Ready(Protocol[T_co]):
    """Where the batches arrive."""

    def get(self) -> T_co:
        """Returns the next one; waits for it."""
        ...


def die_with(parent: int) -> None:
    """Has this process killed when its parent is gone, however it went: nobody trains on unseen.

    Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere a parent that is killed leaves its children behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:  # it was quicker
            os._exit(1)


def in_background(draw: Callable[[], T_co], *, ahead: int = 8) -> Ready[T_co]:
    """Returns a queue that a forked process keeps filled with what `draw` returns. It ends with this process."""
    context = multiprocessing.get_context("fork")
    ready = context.Queue(ahead)
    parent = os.getpid()

    def fill() -> None:
        import cv2

        die_with(parent)
        cv2.setNumThreads(0)
        while True:
            ready.put(draw())

    context.Process(target=fill, daemon=True).start()
    return ready
