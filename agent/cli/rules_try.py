"""`latchkey rules try`: what the rules say of a person, a door and a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.opened import database
from agent.cli.output import Json, say, say_json, warn
from agent.cli.settings import ConfigFile, Sets, load

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
    from agent.rules_in_force import load_rules
    from agent.rules_tried import as_json, holder_of, instant, not_mentioned

    with database(configured) as db:
        rules = load_rules(db)
        holder = holder_of(db, person)
    at = datetime.now(UTC) if time is None else instant(time, rules.zone)
    if about := not_mentioned(rules, door):
        warn(about)
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
