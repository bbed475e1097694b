"""Rules that somebody is about to save: what they say, what differs, and what that changes for whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from typing_extensions import TypedDict

from agent.access.rules import Rules
from agent.access.trial import trial
from agent.access.weekly import Change, Days, Hours, by_day, changes, clock, pieces
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import Code
from agent.rulebook.compare import Line, compared
from agent.rulebook.compiled import compiled
from agent.rulebook.edits import AnyEdit, edited
from agent.rulebook.kinds import DAYS
from agent.rulebook.parse import parse, rulebook
from agent.rulebook.portrait import Portrait, SpecialDayTold, portrait, year_of
from agent.rulebook.written import value_text
from agent.rules_in_force import WholeEdition, edition_of, load_rules
from agent.rules_tried import Said, as_json, holder_of, instant, not_mentioned
from agent.store.db import Db
from agent.store.holders import load_register
from agent.timezone import machine_zone

LONGEST_DRAFT: Final = 200_000
"""Characters. One change of so many takes a second, the most at once some; the example has 11,000 with its comments."""
MOST_CHANGES: Final = 200
MOST_NAMED: Final = 20
"""People of a change who are told by id; the others are counted."""
Week: TypeAlias = list[list[tuple[str, str]]]
"""Of each day from when to when, by the clock on the wall."""
_FIRST, _LAST = date(1970, 1, 5), date(2199, 12, 23)


class Drafted(Portrait):
    """What a draft says."""

    text: str
    year: list[SpecialDayTold]
    difference: list[Line]  # from the rules in force


class Tried(TypedDict):
    """What a draft says of somebody, and what the rules in force say."""

    draft: Said
    in_force: Said
    note: str | None  # what there is to say beside it


class WeekOf(TypedDict):
    """When somebody may enter at a door."""

    days: list[str]
    draft: Week
    in_force: Week


Effect = TypedDict(
    "Effect",
    {
        "door": str,
        "gained": bool,  # or lost
        "count": int,  # of people
        "people": tuple[str, ...],  # the first of them
        "days": list[str],  # of the week, as in mon
        "from": str,
        "to": str,
    },
)
"""What some people gain or lose."""


class Effects(TypedDict):
    """Who gains and who loses in a week."""

    first: str  # its Monday
    changes: list[Effect]
    more: int  # changes than these
    not_seen: int  # people of whom it is not known


def drafted(db: Db, text: str, edits: Sequence[AnyEdit], *, year: int) -> Drafted:
    """Returns rules with these changes: text, portrait, special days of a year, and what differs from those in force.

    Raises:
        RulesRefused: with all that is wrong.
    """
    bounded = _bounded(text)
    made, meant = edited(bounded, edits) if edits else (bounded, rulebook(bounded))
    return {
        "text": made,
        **portrait(made, meant),
        "year": year_of(compiled(meant, 1), year),
        "difference": difference(db, made),
    }


def none_in_force() -> WholeEdition:
    """Returns what a draft begins with where no rules were ever given: as JSON, and saying what holds without any."""
    text = f"""time_zone = {value_text(machine_zone().key)}

# Everybody who is enrolled, through every door, at any time: as it was without rules.
[[grants]]
groups = ["*"]
doors = ["*"]
"""
    return {"version": 0, "text": text, "at": None, "by": None}


def difference(db: Db, text: str, version: int | None = None) -> list[Line]:
    """Returns what differs between the rules of a version, or those in force, and a text, line by line."""
    before = edition_of(db, version)
    return compared(before.text if before else "", _bounded(text))


def tried(db: Db, text: str, person: str, door: str, at: str | None) -> Tried:
    """Returns what a draft says of a person, a door and a time (None: now), and what the rules in force say.

    Raises:
        RulesRefused: with all that is wrong with the draft.
        CommandError: nobody is enrolled as that, or it is no time.
    """
    draft, holder = _read(text), holder_of(db, person)
    when = datetime.now(UTC) if at is None else instant(at, draft.zone)
    force = load_rules(db)
    return {
        "draft": {**as_json(trial(draft, holder, door, when), draft, when), "version": None},
        "in_force": as_json(trial(force, holder, door, when), force, when),
        "note": not_mentioned(draft, door),
    }


def week(db: Db, text: str, person: str, door: str, first: str) -> WeekOf:
    """Returns when somebody may enter at a door in the week of a day: by a draft, and by the rules in force.

    Raises:
        RulesRefused: with all that is wrong with the draft.
        CommandError: nobody is enrolled as that, or it is no day.
    """
    draft, holder, days = _read(text), holder_of(db, person), week_of(first)
    force = load_rules(db)
    return {
        "days": [f"{day}" for day in days.every()],
        "draft": by_day(Hours(draft, days).of(holder, door), days, draft.zone),
        "in_force": by_day(Hours(force, days, draft.zone).of(holder, door), days, draft.zone),
    }


def effects(db: Db, text: str, first: str, *, here: str) -> Effects:
    """Returns who gains and who loses what in the week of a day if a draft were in force.

    Args:
        db: the database.
        text: the draft.
        first: a day of the week, as in 2026-12-24.
        here: the door of this device, which rules need not mention.

    Raises:
        RulesRefused: with all that is wrong with the draft.
        CommandError: it is no day.
    """
    draft, force, days = _read(text), load_rules(db), week_of(first)
    found, left = changes(force, draft, load_register(db).people, {here, *force.doors, *draft.doors}, days)
    told = _told(found, draft, days)
    return {
        "first": f"{days.first}",
        "changes": told[:MOST_CHANGES],
        "more": len(told[MOST_CHANGES:]),
        "not_seen": left,
    }


def _read(text: str) -> Rules:
    return parse(_bounded(text), version=1)


def week_of(text: str) -> Days:
    """Returns the week, from Monday, that a day lies in.

    Raises:
        CommandError: it is no day.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CommandError(Code.BAD_REQUEST, f"{text[:40]!r} is no day: want one as in 2026-12-24") from None
    if not _FIRST <= day <= _LAST:
        raise CommandError(Code.BAD_REQUEST, f"{day} is too far off: want a day in the years 1970 to 2199")
    return Days(day - timedelta(days=day.weekday()))


def _bounded(text: str) -> str:
    """The text of a draft, unless it would keep the device busy for long."""
    if len(text) > LONGEST_DRAFT:
        raise RulesRefused([f"rules of more than {LONGEST_DRAFT:,} characters are for `latchkey rules apply`"])
    return text


def _told(found: list[Change], rules: Rules, days: Days) -> list[Effect]:
    """The same people, door and times on several days are one."""
    rows: dict[tuple[str, bool, tuple[str, ...], str, str], list[str]] = defaultdict(list)
    for change in found:
        for piece in pieces(change.stretch, days, rules.zone):
            weekday = piece.starts_at.astimezone(rules.zone).weekday()
            hours = clock(piece.starts_at, rules.zone), clock(piece.ends_at, rules.zone, end=True)
            rows[change.door, change.gained, change.people, *hours].append(DAYS[weekday])
    return [
        {
            "door": door,
            "gained": gained,
            "count": len(people),
            "people": people[:MOST_NAMED],
            "days": list(dict.fromkeys(on)),
            "from": start,
            "to": end,
        }
        for (door, gained, people, start, end), on in rows.items()
    ]
