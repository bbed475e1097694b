"""`latchkey people pin`, `card` and `consent`. Secrets are asked for without echo, or come on stdin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import database, request, sealed_database
from agent.cli.output import Json, counted, say, say_json
from agent.cli.person_options import Clear, Duress, Person, Stdin
from agent.cli.secret import secret
from agent.cli.settings import ConfigFile, Sets, load

if TYPE_CHECKING:
    from agent.store.db import Db

Number = Annotated[str | None, typer.Argument(metavar="NUMBER", help="As printed or read. Default: asks for it.")]

card = typer.Typer(help="Give cards and QR codes to people, or take them away.", no_args_is_help=True)


def pin(
    person: Person,
    *,
    duress: Duress = False,
    clear: Clear = False,
    stdin: Stdin = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Set the PIN of a person, in place of the PIN and the duress PIN there were. With --duress both are asked for."""
    configured = load(config, sets)
    from agent.members import credentials

    with database(configured) as db:
        if clear:
            done = credentials.clear_pin(db, person, request())
        else:
            digits = secret("PIN", stdin=stdin)
            other = secret("duress PIN", stdin=stdin) if duress else None
            done = credentials.set_pin(db, person, credentials.new_pins(db, person, digits, other), request())
    if json:
        say_json(done)
    elif clear:
        say(f"{person} has no PIN now")
    else:
        say(f"{person}: PIN{' and duress PIN' if duress else ''} set")


@card.command()
def add(
    person: Person,
    number: Number = None,
    *,
    stdin: Stdin = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Give a person a card. A USB reader can type the number where it is asked for; the shell remembers a NUMBER."""
    configured = load(config, sets)
    from agent.members.credentials import add_card

    with sealed_database(configured) as db:
        text = number or secret("card", stdin=stdin, twice=False)
        done = add_card(db, person, text, _key(db), request())
    _answer(done, f"{person}: card ending in {done['hint']} added, {counted(done['cards'], 'card')}", json=json)


@card.command()
def remove(
    person: Person,
    number: Number = None,
    *,
    hint: Annotated[str | None, typer.Option(metavar="END", help="How it ends: for one that is lost.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All their cards.")] = False,
    stdin: Stdin = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Take a card away from a person."""
    if sum((number is not None, hint is not None, everything, stdin)) > 1:
        raise typer.BadParameter("name one card, by NUMBER, --stdin or --hint, or --all")
    configured = load(config, sets)
    from agent.members.credentials import remove_card

    with sealed_database(configured) as db:
        asked = number is None and hint is None and not everything
        text = secret("card", stdin=stdin, twice=False) if asked else number
        done = remove_card(db, person, request(), number=text, hint=hint, key=_key(db))
    _answer(done, f"{person}: {counted(done['removed'], 'card')} removed, {done['cards']} left", json=json)


def consent(
    person: Person,
    *,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name and version. Default: privacy.consent_text.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="They take it back: the templates go at once.")] = False,
    by: Annotated[str | None, typer.Option(metavar="WHO", help="Who took it down. Default: the command line.")] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Note that a person has agreed to be recognised, or takes that back."""
    if withdraw and text is not None:
        raise typer.BadParameter("--withdraw takes no --text")
    configured = load(config, sets)
    from agent.members import consent as consents

    with database(configured) as db:
        if withdraw:
            done = consents.withdraw(db, person, request(), by=by)
            words = f"{person} does not agree any more: {counted(done['templates'], 'template')} removed"
        else:
            agreed = consents.text_of(text or True, configured.privacy) or ""
            done = consents.give(db, person, agreed, request(), by=by)
            words = f"{person} agrees to {done['text']}, {done['at']}"
    _answer(done, words, json=json)


def _key(db: Db) -> bytes:
    from agent.store.sealing import card_key

    return card_key(db)


def _answer(done: dict[str, Any], words: str, *, json: bool) -> None:
    if json:
        say_json(done)
    else:
        say(words)
