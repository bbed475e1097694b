"""Who wants to know what happens at an entrance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.access.around import Passage
from agent.types import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who is told of what; each from the thread that made it happen, and none may take long."""

    decided: Callable[[Decision], object] = lambda _: None  # also what is pending
    passed: Callable[[Passage], object] = lambda _: None  # somebody went through this door
    claimed: Callable[[str | None], object] = lambda _: None  # whose face alone is to be compared now
    look_again: Callable[[str], object] = lambda _: None  # what was concluded of this person came to nothing
    key_waits: Callable[[], object] = lambda: None  # a key alone: whoever stands here may have been recognised before
