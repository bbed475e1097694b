"""`latchkey events`: what was recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import database
from agent.cli.output import Json, say, say_json
from agent.cli.settings import ConfigFile, Sets, load

if TYPE_CHECKING:
    from agent.store.db import Db
    from agent.types import Event

PAGE = 500  # events read at once
LAST = 20  # events shown where nobody says how many
FOLLOW_SECONDS = 0.5


def events(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    json: Json = False,
    since: Annotated[int | None, typer.Option(metavar="SEQ", min=0, help="Those after this number.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"So many of those there are. Default: the last {LAST}; with --since all.")
    ] = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Show the events on this device, sent or not, oldest first. With --json one object a line."""
    configured = load(config, sets)
    from agent.store.events import recent

    with database(configured) as db:
        last = max((event.seq for event in recent(db, 1)), default=0)
        old = recent(db, LAST if limit is None else limit) if since is None else islice(_after(db, since), limit)
        for event in old:
            _tell(event, json=json)
            last = max(last, event.seq)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            for event in _after(db, last):
                _tell(event, json=json)
                last = event.seq


def _after(db: Db, seq: int) -> Iterator[Event]:
    """All events beyond `seq`, page by page."""
    from agent.store.events import since

    while page := since(db, seq, PAGE):
        yield from page
        seq = page[-1].seq


def _tell(event: Event, *, json: bool) -> None:
    from agent.mqtt.telemetry import timestamp

    head = {"seq": event.seq, "id": event.id, "kind": event.kind, "at": timestamp(event.at), "boot_id": event.boot_id}
    if json:
        say_json(head | event.body, indent=None)
    else:
        say(f"{event.seq} {event.at.astimezone():%Y-%m-%d %H:%M:%S} {words_of(event.kind, event.body)}")


def words_of(kind: str, body: Mapping[str, Any]) -> str:
    """Returns the gist of an event."""
    who = body.get("person") or "unknown"
    if kind == "access":
        return f"{body.get('outcome')} {who}: {body.get('reason')}: {body.get('detail')}"
    if kind == "audit":
        details = _told(body.get("details", {}))
        what = " ".join(each for each in (body.get("action"), body.get("subject")) if each)
        return f"{what}{': ' if details else ''}{details}; by {body.get('by') or '(erased)'}"
    if kind == "attendance":
        repeat = ", again" if body.get("repeat") else ""
        return f"{who} {body.get('type')}{repeat}: by {body.get('by')}, clock {body.get('clock')}"
    if kind == "alarm":
        about = ": ".join(each for each in (body.get("person"), body.get("detail")) if each)
        return f"alarm {body.get('alarm')} {body.get('state')}{': ' if about else ''}{about}"
    return f"{kind} {body}"


def _told(details: dict[str, Any]) -> str:
    """Details in words, what is empty left out: "templates 2, deleted (people 1)"."""
    filled = {key: value for key, value in details.items() if value not in ({}, [], None, "")}
    return ", ".join(f"{key} {_plain(value)}" for key, value in filled.items())


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return f"({_told(value)})"
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)
