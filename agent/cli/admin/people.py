"""`latchkey admin people`: who is known at the doors, and what is kept of them."""

from __future__ import annotations

import json as js
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.access.holder import State
from agent.cli.admin.asked import ask
from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait, Yes, connected, target
from agent.cli.admin.people_change import card as cards
from agent.cli.admin.people_change import change, consent, merge, pin, rename
from agent.cli.admin.signature import signature
from agent.cli.admin.told import cell, check_any, end, tell
from agent.cli.choices import AttendanceFate
from agent.cli.output import Json, confirmed, counted, say, say_json, say_table, warn

if TYPE_CHECKING:
    from agent.client import Admin, Result

people = typer.Typer(help="List, show, change, remove or forget people.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="An id.")]
PAGE = 1000  # people asked for at once

people.command("set")(change)
for command in (pin, signature, consent, merge, rename):
    people.command()(command)
people.add_typer(cards, name="card")


@people.command("list")
def list_all(
    *,
    group: Annotated[str | None, typer.Option(metavar="GROUP", help="Only who is in it.")] = None,
    state: Annotated[State | None, typer.Option(help="Only who stands so.")] = None,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Only with it in id, name or badge.")] = None,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """List everybody, by id, and at which devices they are. Who is not the same everywhere has several lines."""
    whom = target(at)
    asked = {"group": group, "state": state, "search": search}
    given = {key: value for key, value in asked.items() if value is not None}
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "list", wait_seconds=wait, limit=PAGE, **given)
        found = {name: _all_pages(admin, name, result, given, wait) for name, result in results.items() if result.ok}
    check_any(results, whom)
    same: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for device, listed in found.items():
        for one in listed:
            alike = {key: one.get(key) for key in ("id", "name", "badge", "state", "groups")}
            same.setdefault(js.dumps(alike, sort_keys=True), (one, []))[1].append(device)
    told = [one | {"at": where} for one, where in sorted(same.values(), key=lambda each: str(each[0].get("id")))]
    if json:
        say_json(told)
    else:
        columns = ["id", "name", "badge", "state", "groups", "templates"]
        rows = [[*(cell(one.get(c)) for c in columns), _where(one["at"], [*found])] for one in told]
        say_table([*columns, "at"], rows)
    for device, result in results.items():
        if not result.ok:
            warn(f"{device}: {result.message or 'refused'} ({result.code})")
    end(results)


@people.command()
def show(
    person: Person, *, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None
) -> None:
    """Show everything that is kept of a person but secrets and faces, at each device."""
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "person", wait_seconds=wait, person=person)
    if json:
        tell(results, str, json=True, of=whom)
        return
    check_any(results, whom)
    for device, result in results.items():
        say(f"{device}:", style="bold")
        if not result.ok:
            say(f"  {result.message or 'refused'} ({result.code})", style="red")
        for key, value in result.data.items():
            say(f"  {key}: {cell(value)}")
    end(results)


@people.command()
def remove(
    person: Person,
    *,
    yes: Yes = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Remove a person and all templates, for good. What happened goes on naming them: see forget."""
    if not yes and not confirmed(f"Remove {person} and all their templates at {cell(target(at))}?"):
        raise typer.Exit(1)

    def words(data: Mapping[str, Any]) -> str:
        return f"{person} removed: {counted(data.get('templates', 0), 'template')}"

    ask("remove", words, at=at, json=json, wait=wait, profile=profile, person=person)


@people.command()
def forget(
    person: Person,
    *,
    yes: Yes = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="For the receipt: why, or by which letter.")] = "",
    attendance: Annotated[
        AttendanceFate | None, typer.Option(help="What becomes of it. Default: the device's.")
    ] = None,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Forget a person for good: face, PIN, cards, groups and consents, and the name in all that happened.

    Each device leaves a receipt.
    """
    if not yes and not confirmed(
        f"Forget {person} for good at {cell(target(at))}? Nothing brings them back but a backup"
    ):
        raise typer.Exit(1)
    told = {"reason": reason} | ({"attendance": attendance} if attendance else {})

    def words(data: Mapping[str, Any]) -> str:
        return f"{person} forgotten, receipt {data.get('receipt', '')}"

    ask("forget", words, at=at, json=json, wait=wait, profile=profile, person=person, **told)


def _all_pages(admin: Admin, device: str, first: Result, given: Mapping[str, Any], wait: float) -> list[dict[str, Any]]:
    """All people of a device, of whom the first page has come."""
    listed, page = list[dict[str, Any]](), first.value()
    while True:
        listed += page.get("people", [])
        if not page.get("more") or not page.get("people"):
            return listed
        last = page["people"][-1]["id"]
        page = admin.ask(device, "list", wait_seconds=wait, limit=PAGE, after=last, **given).value()


def _where(devices: list[str], everywhere: list[str]) -> str:
    return "all" if len(devices) == len(everywhere) and len(everywhere) > 1 else ", ".join(devices)
