"""Why somebody may not, whatever was shown: the person's state, the hours, the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.access.around import Around
from agent.access.holder import Holder, State
from agent.access.rules import DoorRules
from agent.types import Alarm, Reason

_STATES = {State.SUSPENDED: Reason.SUSPENDED, State.LEFT: Reason.LEFT, State.BLOCKED: Reason.BLOCKED}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, and what there is to say about it."""

    reason: Reason
    detail: str = ""  # for a human
    alarms: tuple[Alarm, ...] = ()

    def and_(self, alarm: Alarm) -> Refusal:
        """Returns the same with one alarm more."""
        return Refusal(self.reason, self.detail, (*self.alarms, alarm))


def of_person(holder: Holder, at: datetime, zone: ZoneInfo) -> Refusal | None:
    """Returns why this person is let in nowhere at this time; None where nothing is against it.

    Args:
        holder: who.
        at: now.
        zone: of the site, for the times in what is said.
    """
    if holder.state is State.BLOCKED:
        return Refusal(Reason.BLOCKED, "on the blocklist", (Alarm.BLOCKED_PERSON,))
    if holder.state is not State.ACTIVE:
        return Refusal(_STATES[holder.state])
    if holder.valid_from is not None and at < holder.valid_from:
        return Refusal(Reason.NOT_YET_VALID, f"valid from {wall(holder.valid_from, zone)}")
    if holder.valid_to is not None and at >= holder.valid_to:
        whose = "visitor's hours" if holder.visitor else "validity"
        return Refusal(Reason.NO_LONGER_VALID, f"{whose} over since {wall(holder.valid_to, zone)}")
    return None


def wall(at: datetime, zone: ZoneInfo) -> str:
    """Returns a time as the clock at the site shows it."""
    try:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    except OverflowError:  # the first and the last day of the calendar: "always" and "for good"
        return f"{at:%Y-%m-%d %H:%M}"


def of_storage(around: Around) -> Refusal | None:
    """Returns a refusal where events cannot be written and the policy is to stay shut."""
    if around.storage_ok or around.open_without_storage:
        return None
    return Refusal(Reason.STORAGE_FAILED, "events cannot be written")


def of_interlock(door: DoorRules, around: Around) -> Refusal | None:
    """Returns a refusal where another door of the lock is open, or may be: it cannot be heard."""
    if standing_open := sorted({*door.interlock} & around.open_doors):
        return Refusal(Reason.INTERLOCK, f"open: {', '.join(standing_open)}")
    if silent := sorted({*door.interlock} & around.silent):
        return Refusal(Reason.INTERLOCK, f"not heard: {', '.join(silent)}")
    return None
