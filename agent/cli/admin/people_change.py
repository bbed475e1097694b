"""`latchkey admin people set`, `pin`, `card`, `consent`, `merge` and `rename`. Secrets are asked for, or on stdin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from agent.cli.admin.asked import ask
from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait
from agent.cli.output import Json, counted
from agent.cli.person_options import (
    Badge,
    Called,
    Clear,
    Duress,
    End,
    Extended,
    Factors,
    Groups,
    New,
    Notes,
    Person,
    Standing,
    Start,
    Stdin,
    Visitor,
)
from agent.cli.secret import secret

By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who took it down. Default: your key's name.")]

card = typer.Typer(help="Give cards and QR codes to people, or take them away.", no_args_is_help=True)


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
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Change a person, or with --new add one; what is not named stays.

    A TIME is 2026-12-24, 2026-12-24T18:30 or 2026-12-24T18:30+01:00. Without an offset it is in the time zone of this
    computer. --to with a date alone means to the end of that day.
    """
    plain = {"name": name, "state": state, "extended": extended, "visitor": visitor, "notes": notes}
    changes: dict[str, Any] = {key: value for key, value in plain.items() if value is not None}
    changes |= {key: value or None for key, value in (("badge", badge), ("factors", factors)) if value is not None}
    times = (("valid_from", start, "--from"), ("valid_to", end, "--to"))
    changes |= {key: _moment(text, option) for key, text, option in times if text is not None}
    changes |= _groups(group or ()) | ({"create": True} if new else {})

    def words(data: Any) -> str:
        return f"{person}: {data.get('state')}, {', '.join(data.get('groups', ())) or 'no groups'}"

    ask("person_set", words, at=at, json=json, wait=wait, profile=profile, person=person, **changes)


def pin(
    person: Person,
    *,
    duress: Duress = False,
    clear: Clear = False,
    stdin: Stdin = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Set the PIN of a person, in place of the PIN and the duress PIN there were. TLS hides it on its way."""
    told: dict[str, Any] = {}
    if not clear:
        told["pin"] = secret("PIN", stdin=stdin)
        told |= {"duress": secret("duress PIN", stdin=stdin)} if duress else {}
    said = "no PIN now" if clear else f"PIN{' and duress PIN' if duress else ''} set"
    ask("pin_set", lambda _: f"{person}: {said}", at=at, json=json, wait=wait, profile=profile, person=person, **told)


@card.command()
def add(
    person: Person,
    *,
    stdin: Stdin = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Give a person a card. A USB reader can type the number where it is asked for."""
    number = secret("card", stdin=stdin, twice=False)

    def words(data: Any) -> str:
        return f"{person}: card ending in {data.get('hint')} added, {counted(data.get('cards', 0), 'card')}"

    ask("card_add", words, at=at, json=json, wait=wait, profile=profile, person=person, card=number)


@card.command()
def remove(
    person: Person,
    *,
    hint: Annotated[str | None, typer.Option(metavar="END", help="How it ends: for one that is lost.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All their cards.")] = False,
    stdin: Stdin = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Take a card away from a person."""
    if sum((hint is not None, everything, stdin)) > 1:
        raise typer.BadParameter("name one card, by --stdin or --hint, or --all")
    told = {"hint": hint} if hint else {} if everything else {"card": secret("card", stdin=stdin, twice=False)}

    def words(data: Any) -> str:
        return f"{person}: {counted(data.get('removed', 0), 'card')} removed, {data.get('cards')} left"

    ask("card_remove", words, at=at, json=json, wait=wait, profile=profile, person=person, **told)


def consent(
    person: Person,
    *,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Name and version. Default: the device's.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="They take it back: the templates go at once.")] = False,
    by: By = None,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Note that a person has agreed to be recognised, or takes that back."""
    if withdraw and text is not None:
        raise typer.BadParameter("--withdraw takes no --text")
    told = {key: value for key, value in {"text": text, "by": by}.items() if value is not None}

    def words(data: Any) -> str:
        if withdraw:
            return f"{person} does not agree any more: {counted(data.get('templates', 0), 'template')} removed"
        return f"{person} agrees to {data.get('text')}"

    ask("consent", words, at=at, json=json, wait=wait, profile=profile, person=person, given=not withdraw, **told)


def merge(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id that goes.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The id that stays.")],
    *,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Make one of two people who are the same."""
    words = f"{person} is {into} now"
    ask("merge", lambda _: words, at=at, json=json, wait=wait, profile=profile, person=person, into=into)


def rename(
    person: Person,
    to: Annotated[str, typer.Argument(metavar="ID", help="The new one.")],
    *,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Give a person another id. What humans call them is changed by `set --name`."""
    words = f"{person} is {to} now"
    ask("rename", lambda _: words, at=at, json=json, wait=wait, profile=profile, person=person, to=to)


def _groups(named: Sequence[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "add_groups": [name[1:] for name in named if name.startswith("+")],
        "remove_groups": [name[1:] for name in named if name.startswith("-")],
        "groups": [name for name in named if not name.startswith(("+", "-"))],
    }
    return {key: value for key, value in changes.items() if value}


def _moment(text: str, option: str) -> object:
    from agent.moments import moment
    from agent.timezone import machine_zone

    try:
        return moment(text, machine_zone(), end=option == "--to") if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
