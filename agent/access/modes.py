"""The mode of a door: when it is unlocked for everybody.

    NORMAL          never
    LOCKED_DOWN     never, and nobody is let in
    FREE_ACCESS     always
    SCHEDULED       in each span of the schedule `DoorRules.unlocked`
    FIRST_PERSON    in such a span once somebody has been let in, until that span ends

A mode that somebody chose holds until another is chosen; before that the one in the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.access.permits import unlocked_span
from agent.access.rules import Mode, Rules

BY_SCHEDULE: Final = frozenset({Mode.SCHEDULED, Mode.FIRST_PERSON})
"""What makes no sense at a door whose rules name no schedule."""


@dataclass(frozen=True, slots=True)
class ModeChange:
    """Somebody changed the mode at the door; to be stored and audited."""

    mode: Mode
    by: str  # the person
    at: datetime  # UTC


class Modes:
    """The mode that was chosen, and the span that the first person has opened.

    Args:
        door: the name of the door.
        mode: as chosen; None: as in the rules.
        opened_on: the start of the span that was opened, as `opened_on` said before a restart.
    """

    def __init__(self, door: str, mode: Mode | None, opened_on: str | None) -> None:
        self.chosen = mode
        self.opened_on = opened_on
        self._door = door

    def mode(self, rules: Rules) -> Mode:
        """Returns the mode that holds."""
        return self.chosen or rules.door(self._door).mode

    def unlocked(self, rules: Rules, at: datetime, *, clock_ok: bool) -> bool:
        """Whether the mode keeps the door unlocked; by a schedule only where the time is known."""
        mode = self.mode(rules)
        if mode is Mode.FREE_ACCESS:
            return True
        if mode not in BY_SCHEDULE or not clock_ok:
            return False
        span = unlocked_span(rules, self._door, at)
        return span is not None and (mode is Mode.SCHEDULED or span.starts_at.isoformat() == self.opened_on)

    def let_in(self, rules: Rules, at: datetime) -> None:
        """Somebody who may has come."""
        span = unlocked_span(rules, self._door, at) if self.mode(rules) is Mode.FIRST_PERSON else None
        if span is not None:
            self.opened_on = span.starts_at.isoformat()
