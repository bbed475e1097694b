"""When events that a broker took, and no collector has acknowledged, are sent again.

In rounds, and the pause between two doubles while nobody acknowledges anything: a fleet whose collector stands still
for a month does not fill its broker meanwhile. Where somebody does, the next round follows soon.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from agent.mqtt.backoff import Backoff
from agent.types import Event

RESEND_SECONDS: Final = 60.0  # for so long an acknowledgement may take before an event counts as lost
ROUND: Final = 200  # events
SOON_SECONDS: Final = 1.0  # between two rounds where somebody acknowledges
LEAST_SECONDS: Final = 10.0  # between two rounds where nobody does, at first
MOST_SECONDS: Final = 3600.0  # and in the end

Overdue = Callable[[int], Sequence[Event]]
"""Returns at most so many events that a broker took long ago and nobody has acknowledged."""


class Resending:
    """Rounds of events that are sent again. Fed with the time, monotonic seconds; used by one thread.

    Args:
        overdue: reads the outbox.
        least: seconds to the next round at first, where nobody answers.
        most: and in the end.
        rng: of the pauses: a fleet is not to come all at once.
    """

    def __init__(
        self,
        overdue: Overdue,
        *,
        least: float = LEAST_SECONDS,
        most: float = MOST_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._overdue = overdue
        self._backoff = Backoff(least=least, most=most, rng=rng)
        self._soon = min(SOON_SECONDS, least)
        self._due = 0.0

    def round(self, now: float) -> Sequence[Event]:
        """Returns what is to be sent again now; nothing where it is not time for a round."""
        if now < self._due:
            return ()
        events = self._overdue(ROUND)
        if not events:
            self._backoff.reset()
        self._due = now + self._backoff.next()
        return events

    def acknowledged(self, now: float) -> None:
        """A collector is there."""
        self._backoff.reset()
        self._due = min(self._due, now + self._soon)
