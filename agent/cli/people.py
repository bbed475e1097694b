"""`latchkey people`: who is known here, and what is kept of them."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any

import typer

from agent.access.holder import State
from agent.cli.export import export
from agent.cli.forget import forget
from agent.cli.opened import database, request
from agent.cli.output import Json, confirmed, counted, say, say_json, say_table
from agent.cli.people_change import block, change, merge, rename, undo
from agent.cli.people_credentials import card, consent, pin
from agent.cli.people_roll import export_list, import_file
from agent.cli.people_signature import signature
from agent.cli.settings import ConfigFile, Sets, load

people = typer.Typer(help="List, show, change or remove the people who are known here.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="An id.")]

people.command("set")(change)
for command in (block, rename, merge, undo, pin, signature, consent, forget, export):
    people.command()(command)
people.add_typer(card, name="card")
people.command("import")(import_file)
people.command("export-list")(export_list)


@people.command("list")
def list_all(
    *,
    group: Annotated[str | None, typer.Option(metavar="GROUP", help="Only who is in it.")] = None,
    state: Annotated[State | None, typer.Option(help="Only who stands so.")] = None,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Only with it in id, name or badge.")] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """List everybody, by id."""
    configured = load(config, sets)
    from agent.members.known import as_json
    from agent.store.people import list_people

    with database(configured) as db:
        everybody = [as_json(person) for person in list_people(db, group=group, state=state, search=search)]
    if json:
        say_json(everybody)
        return
    columns = ("id", "name", "badge", "state", "groups", "templates", "enrolled_at")
    rows = [[_cell(value) for value in itemgetter(*columns)(one)] for one in everybody]
    say_table([column.removesuffix("_at") for column in columns], rows)


@people.command()
def show(person: Person, *, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show everything that is kept of a person but secrets and faces."""
    configured = load(config, sets)
    from agent.members.known import particulars

    with database(configured) as db:
        one = particulars(db, person)
    if json:
        say_json(one)
        return
    for key, value in one.items():
        say(f"{key}: {_cell(value)}")


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
    from agent.members.known import enrolled
    from agent.register import remove_person

    with database(configured) as db:
        one = enrolled(db, person)
        if not yes and not confirmed(f"Remove {one.id} ({one.name}) and {counted(one.templates, 'template')}?"):
            raise typer.Exit(1)
        done = remove_person(db, person, request())
    if json:
        say_json(done)
    else:
        say(f"{person} removed: {counted(done['templates'], 'template')}")


def _cell(value: Any) -> str:
    """A JSON value in words."""
    if isinstance(value, dict):
        return " ".join(_cell(each) for each in value.values())
    if isinstance(value, list):
        return ", ".join(_cell(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
