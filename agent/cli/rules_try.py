"""`latchkey rules try`: what the rules say of a person, a door and a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from agent.cli.opened import database
from agent.cli.output import Json, say, say_json, warn
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

if TYPE_CHECKING:
    from agent.access.rules import Rules
    from agent.access.trial import Trial


def try_rules(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id.")],
    door: Annotated[str, typer.Argument(metavar="DOOR", help="As in the rules: the name of the device.")],
    time: Annotated[
        str | None,
        typer.Argument(metavar="TIME", help='The site\'s, as in "2026-12-24 18:30". Default: now.', show_default=False),
    ] = None,
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Say what the rules in force say: may this person go through this door then, and with what.

    Who is inside already, and PINs of the past, are not looked at. Exit status: 1 if there is no such person.
    """
    configured = load(config, sets)
    from agent.access.trial import trial
    from agent.mqtt.message import Code
    from agent.rules_in_force import load_rules
    from agent.store.holders import load_register

    with database(configured) as db:
        rules = load_rules(db)
        holder = load_register(db).people.get(person)
    if holder is None:
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}")
    at = datetime.now(UTC) if time is None else instant(time, rules.zone)
    if rules.version and door not in rules.doors:
        near = get_close_matches(door, rules.doors, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ": what holds for every door holds for it"
        warn(f"the rules do not mention a door {door!r}{meant}")
    found = trial(rules, holder, door, at)
    if json:
        say_json(as_json(found, rules, at))
        return
    for line in lines(found, rules, at):
        say(line)


def lines(found: Trial, rules: Rules, at: datetime) -> list[str]:
    """Returns in words what the rules say."""
    wall = at.astimezone(rules.zone)
    because = f"{found.reason}: {found.detail}" if found.reason else found.detail
    lines = [
        f"{wall:%a %Y-%m-%d %H:%M %Z}, version {rules.version}",
        f"{'no' if found.reason else 'yes'}{f', {because}' if because else ''}",
        f"to be shown: {found.factors}{', by two people' if found.two else ''}",
        f"mode of the door: {found.mode}",
    ]
    if found.unlocked_until:
        lines[-1] += f", unlocked until {found.unlocked_until.astimezone(rules.zone):%H:%M}"
    return lines


def as_json(found: Trial, rules: Rules, at: datetime) -> dict[str, object]:
    """Returns as JSON values what the rules say."""
    from agent.mqtt.telemetry import timestamp

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


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant; a time without a zone is the site's."""
    from agent.moments import moment
    from agent.mqtt.message import Code

    try:
        return moment(text, zone)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from None
