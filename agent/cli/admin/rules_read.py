"""`latchkey admin groups`, `schedules`, `doors` and `rules try`: what the rules in force say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait, connected, target
from agent.cli.admin.rules import alike, in_force
from agent.cli.admin.told import cell, check_any, end
from agent.cli.output import Json, say, say_json, say_table, warn

if TYPE_CHECKING:
    from pathlib import Path

    from agent.access.holder import Holder
    from agent.access.rules import Rules
    from agent.client import Result

Row = dict[str, Any]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def groups(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the groups that the rules let in: where, and when."""
    _list(_groups, ["group", "doors", "schedule"], at=at, json=json, wait=wait, profile=profile)


def schedules(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the schedules: the periods of each day of the week, and of special days."""
    _list(_schedules, ["schedule", *DAYS, "special"], at=at, json=json, wait=wait, profile=profile)


def doors(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the doors of the rules, and how each is now."""
    whom = target(at)
    with connected(profile, hears=["state/door"], wait=wait) as admin:
        results = admin.ask_all(whom, "rules", wait_seconds=wait)
        now = {device: heard.body for device, heard in admin.board.kept("state/door").items()}
        states = {status.device: status.state for status in admin.devices(wait)}

    def rows(rules: Rules) -> Iterator[Row]:
        for name in sorted({*rules.doors, *now}):
            door, said = rules.door(name), now.get(name, {})
            yield {
                "door": name,
                "factors": str(door.factors),
                "enters": door.enters,
                "device": states.get(name, "none"),
                "mode": said.get("mode") or door.mode.value,
                "now": _now(said),
                "alarms": list(said.get("alarms", ())),
            }

    _print(results, rows, ["door", "factors", "enters", "device", "mode", "now", "alarms"], json=json, of=whom)


def try_rules(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id.")],
    door: Annotated[str, typer.Argument(metavar="DOOR", help="The name of the device.")],
    time: Annotated[
        str | None,
        typer.Argument(metavar="TIME", help='The site\'s, as in "2026-12-24 18:30". Default: now.', show_default=False),
    ] = None,
    *,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Say what the rules in force at a door say: may this person go through it then, and with what."""
    from agent.access.trial import trial
    from agent.cli.rules_try import lines
    from agent.rules_tried import as_json, instant

    with connected(profile, wait=wait) as admin:
        rules = _rules(admin.ask(door, "rules", wait_seconds=wait).value())
        holder = _holder(admin.ask(door, "person", wait_seconds=wait, person=person).value())
    when = datetime.now(UTC) if time is None else instant(time, rules.zone)
    found = trial(rules, holder, door, when)
    if json:
        say_json(as_json(found, rules, when))
        return
    for line in lines(found, rules, when):
        say(line)


def _list(
    rows: Callable[[Rules], Iterator[Row]],
    columns: list[str],
    *,
    at: list[str] | None,
    json: bool,
    wait: float,
    profile: Path | None,
) -> None:
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "rules", wait_seconds=wait)
    _print(results, rows, columns, json=json, of=whom)


def _print(
    results: Mapping[str, Result],
    rows: Callable[[Rules], Iterator[Row]],
    columns: list[str],
    *,
    json: bool,
    of: object,
) -> None:
    """Prints a table for each text of rules that is in force somewhere."""
    check_any(results, of)
    texts = alike(in_force(results))
    told: list[tuple[list[str], list[Row]]] = []
    for text, devices in texts.items():
        told.append((devices, [*rows(_rules({"text": text}))]))
    if json:
        say_json([{"at": devices, "rows": found} for devices, found in told])
    else:
        for devices, found in told:
            if len(told) > 1:
                say(f"at {', '.join(devices)}:", style="bold")
            say_table(columns, [[cell(row[column]) for column in columns] for row in found])
    for device, result in results.items():
        if not result.ok:
            warn(f"{device}: {result.message or 'refused'} ({result.code})")
    end(results)


def _rules(data: Mapping[str, Any]) -> Rules:
    """The rules that `rules` tells of; open where none were ever given."""
    from agent.rulebook.parse import open_rules, parse
    from agent.timezone import machine_zone

    text = str(data.get("text", ""))
    return parse(text, version=int(data.get("version", 1))) if text else open_rules(machine_zone())


def _groups(rules: Rules) -> Iterator[Row]:
    for group, grants in sorted(rules.grants.items()):
        for grant in grants:
            yield {"group": group, "doors": sorted(grant.doors), "schedule": grant.schedule}


def _schedules(rules: Rules) -> Iterator[Row]:
    for name, schedule in sorted(rules.schedules.items()):
        week = {day: [str(period) for period in periods] for day, periods in zip(DAYS, schedule.week, strict=True)}
        special = [f"{kind}: {' '.join(map(str, periods)) or 'none'}" for kind, periods in schedule.special.items()]
        yield {"schedule": name, **week, "special": special}


def _now(said: Mapping[str, Any]) -> str:
    if not said:
        return ""
    words = [
        "locked" if said.get("locked") else "unlocked",
        said.get("contact") or "",
        "held" if said.get("held") else "",
    ]
    return ", ".join(word for word in words if word)


def _holder(data: Mapping[str, Any]) -> Holder:
    """A person as the rules see one, from what `person` says."""
    from agent.access.factors import Factors
    from agent.access.holder import Holder, State

    def time(key: str) -> datetime | None:
        return datetime.fromisoformat(data[key]) if data.get(key) else None

    return Holder(
        id=str(data["id"]),
        groups=frozenset(data.get("groups", ())),
        state=State(data.get("state", State.ACTIVE)),
        valid_from=time("valid_from"),
        valid_to=time("valid_to"),
        badge=data.get("badge"),
        factors=Factors.parse(data["factors"]) if data.get("factors") else None,
        extended=bool(data.get("extended")),
        visitor=bool(data.get("visitor")),
    )
