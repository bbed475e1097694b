"""What somebody at the door has shown so far, and what can be said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from agent.access.refusals import Refusal
from agent.access.rules import Mode
from agent.types import Alarm, Decision, Outcome, Reason, Shown, Sighting, Weighed

NEEDED = {
    Shown.FACE: Reason.FACE_NEEDED,
    Shown.CARD: Reason.CARD_NEEDED,
    Shown.PIN: Reason.PIN_NEEDED,
    Shown.SIGNATURE: Reason.SIGNATURE_NEEDED,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One person on the way to being let in, until time is over. Nobody in particular where `person` is empty."""

    person: str
    asked_at: datetime  # UTC: when it began, or the card was shown; a face from before was compared with everybody
    until: float = 0.0  # elapsed seconds
    shown: tuple[Shown, ...] = ()  # and right, in the order in which it came
    sighting: Sighting | None = None  # the last one that was weighed
    signature: Weighed | None = None  # likewise
    key: str | None = None  # an attendance key
    mode: Mode | None = None  # asked for together with a card or a PIN
    refused: bool = False  # something wrong was shown, and told

    def with_(self, what: Shown) -> Self:
        """Returns the attempt with one thing more that is right; the last one if it was shown before."""
        return replace(self, shown=(*(shown for shown in self.shown if shown is not what), what))

    def denied(self, refusal: Refusal, at: datetime) -> Decision:
        """Returns that it has come to nothing."""
        return self._decision(Outcome.DENIED, refusal, at)

    def pending(self, reason: Reason, at: datetime, *, detail: str = "", alarms: tuple[Alarm, ...] = ()) -> Decision:
        """Returns that more is asked for."""
        return self._decision(Outcome.PENDING, Refusal(reason, detail, alarms), at)

    def _decision(self, outcome: Outcome, why: Refusal, at: datetime) -> Decision:
        return Decision(
            outcome,
            why.reason,
            self.person or None,
            self.sighting,
            at,
            why.detail or (self.sighting.detail if self.sighting else ""),
            shown=self.shown,
            signature=self.signature,
            alarms=why.alarms,
            key=self.key,
        )
