"""What the rules say of a person, a door and a moment, without anybody standing there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.access.factors import Factors
from agent.access.holder import Holder
from agent.access.permits import factors_for, permit, two_needed, unlocked_span
from agent.access.refusals import of_person
from agent.access.rules import Mode, Rules
from agent.types import Reason


@dataclass(frozen=True, slots=True)
class Trial:
    """What would be decided, as far as the rules alone decide it: nobody's place, PIN or second person is known."""

    reason: Reason | None  # None: may enter; why not otherwise
    detail: str  # for a human, in the site's time
    schedule: str | None  # by which
    factors: Factors  # that have to be shown
    two: bool  # people needed
    mode: Mode  # as the rules have it; it may have been changed at the door
    unlocked_until: datetime | None  # UTC, by the schedule of the door, where its mode minds that


def trial(rules: Rules, holder: Holder, door: str, at: datetime) -> Trial:
    """Returns what the rules say of a person at a door at an instant."""
    given = permit(rules, holder.groups, door, at)
    refusal = of_person(holder, at)
    mode = rules.door(door).mode
    minded = mode in {Mode.SCHEDULED, Mode.FIRST_PERSON}
    span = unlocked_span(rules, door, at) if minded else None
    return Trial(
        reason=refusal.reason if refusal else given.reason,
        detail=refusal.detail if refusal else given.detail,
        schedule=None if refusal else given.schedule,
        factors=factors_for(rules, door, holder, at),
        two=two_needed(rules, door, at),
        mode=mode,
        unlocked_until=span.ends_at if span else None,
    )
