"""`latchkey people`: who is enrolled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from ulid import ULID

from agent.cli.opened import database
from agent.cli.output import Json, confirmed, counted, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load

people = typer.Typer(help="List, show or remove the people who are enrolled.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="An id.")]


@people.command("list")
def list_all(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """List everybody, by id."""
    configured = load(config, sets)
    from agent.register import as_json
    from agent.store.people import list_people

    with database(configured) as db:
        everybody = [as_json(person) for person in list_people(db)]
    if json:
        say_json(everybody)
        return
    rows = [[one["id"], one["name"], str(one["templates"]), one["enrolled_at"]] for one in everybody]
    say_table(["id", "name", "templates", "enrolled"], rows)


@people.command()
def show(person: Person, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show what is kept of a person."""
    configured = load(config, sets)
    from agent.register import as_json, enrolled

    with database(configured) as db:
        one = as_json(enrolled(db, person))
    if json:
        say_json(one)
        return
    for key, value in one.items():
        say(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


@people.command()
def remove(
    person: Person,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Remove a person and all templates, for good. A running agent forgets them at once.

    Exit status: 1 if there is no such person, or you say no.
    """
    configured = load(config, sets)
    from agent.register import Request, enrolled, remove_person

    with database(configured) as db:
        one = enrolled(db, person)
        if not yes and not confirmed(f"Remove {one.id} ({one.name}) and {counted(one.templates, 'template')}?"):
            raise typer.Exit(1)
        done = remove_person(db, person, Request("cli", datetime.now(UTC), str(ULID())))
    if json:
        say_json(done)
    else:
        say(f"{person} removed: {counted(done['templates'], 'template')}")
