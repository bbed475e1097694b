"""`latchkey audit`: who changed what, and whether that record is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from agent.cli.opened import database
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

audit = typer.Typer(help="Show who changed what, and check that this record is whole.", no_args_is_help=True)


@audit.command("list")
def list_all(
    *,
    person: Annotated[
        str | None, typer.Option(metavar="PERSON", help="What a person did, or was done about one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many, the last.")] = 50,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """List changes, oldest first. With --json one object a line, with all it takes to check the chain."""
    configured = load(config, sets)
    from agent.store import audit as chain

    with database(configured) as db:
        rows = chain.recent(db, limit) if person is None else chain.about(db, person)[-limit:]
    if json:
        for row in rows:
            say_json(chain.as_json(row), indent=None)
        return
    say_table(
        ["number", "at", "by", "action", "subject", "details"],
        [
            [str(row.number), row.at, row.by or "(erased)", row.action, row.subject or "", row.details or "(erased)"]
            for row in rows
        ],
    )


@audit.command()
def verify(
    *,
    anchor: Annotated[
        str | None, typer.Option(metavar="HASH@NUMBER", help="A row as it was told outside, by health or an event.")
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Check the chain of changes; the first row that is broken is named.

    That rows were cut off at the end, or all were made anew, shows only against an --anchor.

    Exit status: 1 if it is broken.
    """
    configured = load(config, sets)
    from agent.mqtt.message import Code
    from agent.privacy.chain import Anchor
    from agent.store import audit as chain

    try:
        known = Anchor.parse(anchor) if anchor is not None else None
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, f"--anchor: {error}") from error
    with database(configured) as db:
        broken, head = chain.verify(db, known), chain.head(db)
    if json:
        say_json({"whole": broken is None, "broken": asdict(broken) if broken else None, "head": asdict(head)})
    elif broken is None:
        say(f"whole up to row {head.number}: {head}")
    else:
        say(f"broken: row {broken.number} {broken.problem}", style="bold red")
    if broken is not None:
        raise typer.Exit(1)


@audit.command()
def head(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Print the last row's hash and number: keep it elsewhere, and `verify --anchor` proves the record up to there."""
    configured = load(config, sets)
    from agent.store import audit as chain

    with database(configured) as db:
        last = chain.head(db)
    if json:
        say_json(asdict(last))
    else:
        say(str(last))
