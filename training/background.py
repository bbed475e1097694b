"""Processes that work for another one end with it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys


def die_with(parent: int) -> None:
    """Has this process killed when its parent is gone, however it went: nobody trains on unseen.

    Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere a parent that is killed leaves its children behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:  # it was quicker
            os._exit(1)
