"""`latchkey admin health`: a live table of all devices."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, ProfileFolder, Wait, connected
from agent.cli.admin.told import cell
from agent.cli.output import Json, printable, say_json, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from agent.client import Admin
    from agent.client.answers import DeviceStatus

HEARS = ("health", "state/door")
COLUMNS = ("device", "state", "version", "clock", "told", "outbox", "people", "door", "rules", "roster", "alarms")
REFRESH_SECONDS = 0.5


def health(
    *,
    once: Annotated[bool, typer.Option("--once", help="Print the table once.")] = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show how all devices are, until Ctrl-C; with --once or --json once.

    Exit status of once: 1 if a device is away, or has an alarm.
    """
    with connected(profile, hears=HEARS, wait=wait) as admin:
        admin.devices(wait)
        rows = rows_of(admin, datetime.now(UTC))
        if json:
            say_json(rows)
        elif once:
            say_table(COLUMNS, [[cell(row[column]) for column in COLUMNS] for row in rows])
        else:
            _live(admin)
    if any(row["state"] != "online" or row["alarms"] for row in rows):
        raise typer.Exit(1)


def rows_of(admin: Admin, now: datetime) -> list[dict[str, Any]]:
    """Returns a row for each device that was heard of, or whose key is known."""
    statuses, health, doors = admin.board.statuses, admin.board.kept("health"), admin.board.kept("state/door")
    rows = []
    for name in sorted({*statuses, *admin.known}):
        status = statuses.get(name)
        body: Mapping[str, Any] = health[name].body if name in health else {}
        door: Mapping[str, Any] = doors[name].body if name in doors else {}
        rows.append(
            {
                "device": name,
                "state": _state(status),
                "standing": status.standing.value if status else None,
                "version": status.version if status else None,
                "clock": body.get("clock"),
                "told": _ago(body.get("at"), now),
                "outbox": body.get("outbox_depth"),
                "people": body.get("people"),
                "door": _door(door),
                "rules": body.get("rules"),
                "roster": body.get("roster"),
                "alarms": [*door.get("alarms", ())],
                "health": dict(body),
            }
        )
    return rows


def _state(status: DeviceStatus | None) -> str:
    """Whether it is there; what only says so in its name is not it."""
    if status is None:
        return "never heard"
    return "forged" if status.standing == "forged" else status.state


def _live(admin: Admin) -> None:
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), refresh_per_second=4, screen=False) as live:
        while True:
            live.update(live_table(admin))
            time.sleep(REFRESH_SECONDS)


def live_table(admin: Admin) -> Table:
    """Returns the table as it is now."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for row in rows_of(admin, datetime.now(UTC)):
        worst = "red" if row["alarms"] or row["state"] != "online" else ""
        worse = "yellow" if row["clock"] == "unsynchronised" or row["standing"] == "forged" else ""
        table.add_row(*(Text(printable(cell(row[column])), style=worst or worse) for column in COLUMNS))
    if not admin.line.listening:
        table.caption = "no connection to the broker: trying again"
    return table


def _ago(at: object, now: datetime) -> str | None:
    """How long ago, in a word."""
    if not isinstance(at, str):
        return None
    try:
        seconds = max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
    except (ValueError, TypeError):
        return None
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _door(said: Mapping[str, Any]) -> str | None:
    if not said:
        return None
    words = ("locked" if said.get("locked") else "unlocked", said.get("contact"), said.get("mode"))
    return ", ".join(str(word) for word in words if word and word != "normal")
