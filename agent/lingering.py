"""Who was refused and still stands there: to be looked at again once that may have another end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.access.around import Around
from agent.access.rules import Mode
from agent.types import Decision, Outcome, Reason

TOO_LATE = {Reason.INCOMPLETE, Reason.NO_SECOND_PERSON}
"""Whoever still stands there may try again at once."""
PASSING = {Reason.INTERLOCK, Reason.STORAGE_FAILED, Reason.LOCKED_DOWN, Reason.OUTSIDE_SCHEDULE}
"""What ends without anything that the refused person does."""


@dataclass(slots=True, eq=False)
class Lingering:
    """The gate concludes once who somebody is, and says no more of the same visit: here it is asked to.

    Args:
        look_again: at this person, who is perhaps not there any more.
    """

    look_again: Callable[[str], object]
    _waiting: set[str] = field(default_factory=set)
    _held: tuple[object, ...] = ()

    def decided(self, decision: Decision) -> None:
        """Takes a decision."""
        person = decision.person
        if person is None:
            return
        self._waiting.discard(person)
        if decision.reason in TOO_LATE:
            self.look_again(person)
        elif decision.outcome is Outcome.DENIED and decision.reason in PASSING:
            self._waiting.add(person)

    def tick(self, around: Around, mode: Mode) -> None:
        """Has those looked at again who were refused for what may be over: once a minute, as hours go, and on a change.

        Args:
            around: now.
            mode: of the door.
        """
        minute = around.at.replace(second=0, microsecond=0)
        holds = (around.open_doors, around.silent, around.storage_ok, mode, minute)
        if holds != self._held:
            for person in self._waiting:
                self.look_again(person)
            self._waiting.clear()
        self._held = holds
