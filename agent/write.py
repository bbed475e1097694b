"""Who has changes of the database made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from agent.store.db import Db

T = TypeVar("T")


class Write(Protocol):
    """Has a change made by whoever may write, waits for it, and returns or raises what it does."""

    def __call__(self, change: Callable[[Db], T], /) -> T:
        """Makes the change."""
        ...
