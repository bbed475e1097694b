"""What the mode of a door does to its lock."""

from __future__ import annotations

from datetime import datetime

from agent.access.rules import Mode
from agent.access.schedule import Span

BY_SCHEDULE = frozenset({Mode.SCHEDULED, Mode.FIRST_PERSON})


def keeps_unlocked(mode: Mode, span: Span | None, opened_on: datetime | None) -> bool:
    """Whether the door is unlocked for everybody.

    Args:
        mode: of the door.
        span: the period of `DoorRules.unlocked` that holds now; None outside all, or where the time is not known.
        opened_on: the start of the period that somebody who may has opened last.
    """
    match mode:
        case Mode.FREE_ACCESS:
            return True
        case Mode.SCHEDULED:
            return span is not None
        case Mode.FIRST_PERSON:
            return span is not None and opened_on == span.starts_at
    return False


def awaits_first(mode: Mode, span: Span | None, opened_on: datetime | None) -> bool:
    """Whether the next person who may unlocks the door for everybody."""
    return mode is Mode.FIRST_PERSON and span is not None and opened_on != span.starts_at
