"""`latchkey admin log`, `report` and `audit`: what happened at a device, the hours of a month, who changed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, Device, ProfileFolder, Wait, connected
from agent.cli.admin.told import cell
from agent.cli.output import Json, counted, say, say_json, say_table, warn
from agent.errors import NoAnswer

if TYPE_CHECKING:
    from agent.client import Admin

PAGE = 500  # events asked for at once
ROWS = 1000  # of the audit
WORKERS = 100  # whose hours are asked for at once
LOOK_SECONDS = 30.0  # between questions for what was missed, while following


def log(
    device: Device,
    *,
    start: Annotated[int, typer.Option("--from", metavar="SEQ", min=0, help="Those after this number.")] = 0,
    kind: Annotated[list[str] | None, typer.Option(metavar="KIND", help="Only such, as in access. Repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show what happened at a device, oldest first. With --json one object a line.

    --follow shows each event once, in order: what the connection lost is asked for.
    """
    told = {"kinds": kind} if kind else {}
    with connected(profile, hears=["event/+"] if follow else (), wait=wait) as admin:
        last, shown = start, 0
        for event in _events(admin, device, start, told, wait):
            if limit is not None and shown >= limit:
                break
            _tell_event(event, json=json)
            last, shown = int(event["seq"]), shown + 1
        if follow and (limit is None or shown < limit):
            for event in _following(admin, device, last, told, wait):
                _tell_event(event, json=json)
                shown += 1
                if shown == limit:
                    break


def report(
    device: Device,
    *,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Default: this month.")] = None,
    person: Annotated[str | None, typer.Option(metavar="ID", help="Only this person.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="A day a line; durations in seconds.")] = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show the hours of a month as a device knows them: a line for each day of each person."""
    asked: dict[str, Any] = {"month": month or f"{datetime.now().astimezone():%Y-%m}", "limit": WORKERS}
    if person:
        asked["person"] = person
    rows: list[Mapping[str, Any]] = []
    with connected(profile, wait=wait) as admin:
        after = ""
        while True:
            page = admin.ask(device, "report", wait_seconds=wait, after=after, **asked).value()
            rows += page.get("rows", ())
            if not page.get("more") or page.get("last") == after:
                break
            after = str(page.get("last"))
    columns = _columns(rows)
    if json:
        say_json([*rows])
    elif csv:
        _say_csv(columns, rows)
    elif rows:
        say_table(columns, [[cell(row.get(column)) for column in columns] for row in rows])
    else:
        say("nobody has worked")


def audit(
    device: Device,
    *,
    start: Annotated[int, typer.Option("--from", metavar="NUMBER", min=0, help="Rows after this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=ROWS, help="So many at most.")] = 100,
    verify: Annotated[bool, typer.Option("--verify", help="Have the device check the chain.")] = False,
    anchor: Annotated[
        str | None, typer.Option(metavar="HASH@NUMBER", help="Check against a row as it was told before.")
    ] = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show who changed what at a device, and whether that record is whole. Exit status: 1 if it is broken."""
    told = {"anchor": anchor} if anchor else {}
    with connected(profile, wait=wait) as admin:
        said = admin.ask(device, "audit", wait_seconds=wait, after=start, limit=limit, verify=verify, **told).value()
    if json:
        say_json(dict(said))
    else:
        columns = ["number", "at", "by", "action", "subject"]
        rows = [[*(cell(row.get(c)) for c in columns), _named(row.get("details"))] for row in said.get("rows", ())]
        say_table([*columns, "details"], rows)
        head = said.get("head", {})
        say(f"head: {head.get('hash')}@{head.get('number')}")
        if "broken" in said and said["broken"] is None:
            say("whole")
    if said.get("broken"):
        warn(f"broken: row {said['broken'].get('number')} {said['broken'].get('problem')}")
        raise typer.Exit(1)


def _named(details: Any) -> str:
    """Details with their names."""
    if not isinstance(details, dict):
        return cell(details)
    return ", ".join(f"{name} {cell(value)}" for name, value in details.items() if value not in (None, "", [], {}))


def _events(admin: Admin, device: str, after: int, told: Mapping[str, Any], wait: float) -> Iterator[Mapping[str, Any]]:
    """All events after a number, page by page."""
    while True:
        page = admin.ask(device, "log", wait_seconds=wait, after=after, limit=PAGE, **told).value()
        yield from page.get("events", ())
        if not page.get("more") or int(page.get("last", after)) <= after:
            return
        after = int(page["last"])


def _following(
    admin: Admin, device: str, last: int, told: Mapping[str, Any], wait: float
) -> Iterator[Mapping[str, Any]]:
    """New events without end, each once and in order. News say that there is something: the device is asked for it."""
    name = admin.profile.topics(device).device
    while True:
        for heard in admin.events(LOOK_SECONDS):
            if heard.device == name and int(heard.body.get("seq", 0)) > last:
                break
        try:
            for event in _events(admin, device, last, told, wait):
                last = int(event["seq"])
                yield event
        except NoAnswer as error:
            warn(f"{error}: still trying")


def _tell_event(event: Mapping[str, Any], *, json: bool) -> None:
    from agent.cli.events import words_of

    if json:
        say_json(dict(event), indent=None)
        return
    at = datetime.fromisoformat(str(event["at"])).astimezone()
    say(f"{event['seq']} {at:%Y-%m-%d %H:%M:%S} {words_of(str(event['kind']), event)}")


def _columns(rows: list[Mapping[str, Any]]) -> list[str]:
    """Returns the names in the order of a report; those that a newer device has besides come last."""
    from agent.reports.rows import COLUMNS

    found = rows[0] if rows else {}
    return [name for name in COLUMNS if name in found] + sorted(found.keys() - set(COLUMNS))


def _say_csv(columns: list[str], rows: list[Mapping[str, Any]]) -> None:
    import csv
    import sys

    from agent.reports.rows import safe

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe(row.get(column, "")) for column in columns])
    warn(f"{counted(len(rows), 'line')}")
