"""Trying rules: what they say of somebody who is enrolled, a door and a time."""

from __future__ import annotations

from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from agent.access.holder import Holder
from agent.access.rules import Mode, Rules
from agent.access.trial import Trial
from agent.errors import CommandError
from agent.moments import moment
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.store.db import Db
from agent.store.holders import load_register
from agent.types import Reason


class Said(TypedDict):
    """What rules say of somebody, a door and a time."""

    at: str
    version: int | None  # none: of a draft
    granted: bool
    reason: Reason | None  # why not
    detail: str  # for people
    schedule: str | None  # by which
    factors: str  # that have to be shown, as in card+pin
    two_people: bool
    mode: Mode
    unlocked_until: str | None


def holder_of(db: Db, person: str) -> Holder:
    """Returns somebody as the rules see them.

    Raises:
        CommandError: nobody is enrolled under this id.
    """
    holder = load_register(db).people.get(person)
    if holder is None:
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}")
    return holder


def instant(text: str, zone: ZoneInfo) -> datetime:
    """Returns the instant that is meant, UTC; a time without an offset is the site's.

    Raises:
        CommandError: it is no time.
    """
    try:
        return moment(text, zone)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from None


def not_mentioned(rules: Rules, door: str) -> str | None:
    """Returns what is to be said where there are rules and they do not speak of a door, else None."""
    if not rules.version or door in rules.doors:
        return None
    near = get_close_matches(door[:80], rules.doors, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ": what holds for every door holds for it"
    return f"the rules do not mention a door {door[:80]!r}{meant}"


def as_json(found: Trial, rules: Rules, at: datetime) -> Said:
    """Returns as JSON values what the rules say."""
    return {
        "at": timestamp(at),
        "version": rules.version,
        "granted": found.reason is None,
        "reason": found.reason,
        "detail": found.detail,
        "schedule": found.schedule,
        "factors": str(found.factors),
        "two_people": found.two,
        "mode": found.mode,
        "unlocked_until": timestamp(found.unlocked_until) if found.unlocked_until else None,
    }
