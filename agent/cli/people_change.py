"""`latchkey people set`, `block`, `rename`, `merge` and `undo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from agent.access.holder import State
from agent.cli.opened import database, request, sealed_database
from agent.cli.output import Json, counted, say, say_json
from agent.cli.person_options import (
    Badge,
    Called,
    End,
    Extended,
    Factors,
    Groups,
    New,
    Notes,
    Person,
    Standing,
    Start,
    Visitor,
)
from agent.cli.settings import ConfigFile, Sets, load

if TYPE_CHECKING:
    from agent.members.particulars import Changes
    from agent.store.db import Db

By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so. Default: the command line.")]


def change(
    person: Person,
    *,
    new: New = False,
    name: Called = None,
    badge: Badge = None,
    group: Groups = None,
    start: Start = None,
    end: End = None,
    state: Standing = None,
    factors: Factors = None,
    extended: Extended = None,
    visitor: Visitor = None,
    notes: Notes = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Change a person, or with --new add one; what is not named stays. All of it is done, or nothing.

    A TIME is 2026-12-24, 2026-12-24T18:30 or 2026-12-24T18:30+01:00. Without an offset it is in the time zone of the
    rules in force. --to with a date alone means to the end of that day.
    """
    configured = load(config, sets)
    from agent.members.particulars import set_person

    with database(configured, create=new) as db:
        plain = {"name": name, "state": state, "extended": extended, "visitor": visitor, "notes": notes}
        changes: Any = {key: value for key, value in plain.items() if value is not None}
        changes |= {key: value or None for key, value in (("badge", badge), ("factors", factors)) if value is not None}
        changes |= _groups(group or ()) | _validity(db, start, end)
        done = set_person(db, person, changes, request(), create=new)
    _answer(done, f"{person}: {done['state']}, {', '.join(done['groups']) or 'no groups'}", json=json)


def block(person: Person, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Put a person on the blocklist: denied at every door, and an alarm. `set --state active` takes them off."""
    from agent.members.particulars import set_person

    done = _change(config, sets, lambda db: set_person(db, person, {"state": State.BLOCKED}, request()))
    _answer(done, f"{person} is blocked", json=json)


def rename(
    person: Person,
    to: Annotated[str, typer.Argument(metavar="ID", help="The new one.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Give a person another id. Old events and the audit go on naming the old one.

    What humans call them is changed by `set --name`.
    """
    from agent.members.merge import rename as give_id

    done = _change(config, sets, lambda db: give_id(db, person, to, request()))
    _answer(done, f"{person} is {to} now", json=json)


def merge(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that goes.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The id that stays.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Make one of two people who are the same: groups, cards, templates, consents and attendance are put together."""
    from agent.members.merge import merge as join

    done = _change(config, sets, lambda db: join(db, person, into, request()))
    _answer(done, f"{person} is {into} now: {counted(done['templates'], 'template')}", json=json)


def undo(
    person: Person,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its number or id, see `latchkey events`.")],
    *,
    by: By = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Say that it was not this person who was recognised: the punch does not count, what was learnt is forgotten."""
    from agent.members.undo import undo as take_back

    done = _change(config, sets, lambda db: take_back(db, event, person, request(), by=by))
    gone = f"{counted(done['templates'], 'template')} forgotten, {done['punches']} of the punches void"
    _answer(done, f"event {event} was not {person}: {gone}", json=json)


def _change(config: ConfigFile, sets: Sets, make: Callable[[Db], Mapping[str, Any]]) -> Mapping[str, Any]:
    with sealed_database(load(config, sets)) as db:
        return make(db)


def _answer(done: Mapping[str, Any], words: str, *, json: bool) -> None:
    if json:
        say_json(done)
    else:
        say(words)


def _groups(named: Sequence[str]) -> Changes:
    add = [name[1:] for name in named if name.startswith("+")]
    remove = [name[1:] for name in named if name.startswith("-")]
    changes: Changes = {"add_groups": add, "remove_groups": remove}
    if alone := [name for name in named if not name.startswith(("+", "-"))]:
        changes["groups"] = alone
    return changes


def _validity(db: Db, start: str | None, end: str | None) -> Changes:
    from agent.cli.zone import site_zone

    zone = site_zone(db)
    changes: Changes = {}
    if start is not None:
        changes["valid_from"] = _moment(start, zone, "--from")
    if end is not None:
        changes["valid_to"] = _moment(end, zone, "--to")
    return changes


def _moment(text: str, zone: ZoneInfo, option: str) -> datetime | None:
    from agent.moments import moment

    try:
        return moment(text, zone, end=option == "--to") if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
