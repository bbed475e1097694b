"""`latchkey account screen` and `screens`: browsers beyond this machine that show the page at the wall."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

if TYPE_CHECKING:
    from agent.config import Config

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the screen, for people: where it hangs.")]


def screen(
    name: Name,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Let it show nothing more.")] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Print the link that makes a browser a screen of this door: open it there, once, within a day.

    A screen of the same name shows nothing more. On the device itself, at its loopback address, none is needed.
    """
    configured = load(config, sets)
    from agent.accounts import screens
    from agent.config.admin import loopback

    if remove:
        with database(configured) as db:
            screens.remove(db, request(), name)
        if json:
            say_json({"name": name, "removed": True})
        else:
            say(f"{name} shows nothing more")
        return
    if loopback(host := configured.web.host):
        raise CommandError("not_allowed", f"[web] host = {host!r}: on this machine alone, where no screen needs one")
    with database(configured, create=True) as db:
        link = screens.add(db, request(), name)
    url = f"https://{_reached_at(configured)}:{configured.web.port}/kiosk#screen={link}"
    if json:
        say_json({"name": name, "url": url, "seconds": int(screens.GOOD_FOR.total_seconds())})
        return
    if sys.stdout.isatty():
        import segno

        segno.make(url, error="m", micro=False).terminal(compact=True)
    say(url)


def _reached_at(config: Config) -> str:
    """The name or address of this device in a link."""
    host = config.web.host
    if config.admin.names:
        host = config.admin.names[0]
    elif host in {"0.0.0.0", "::"}:  # noqa: S104 - all addresses
        host = socket.gethostname()
    return f"[{host}]" if ":" in host else host


def screens(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """List the screens beyond this machine."""
    configured = load(config, sets)
    from agent.accounts import screens as found

    with database(configured) as db:
        told = found.everyone(db)
    if json:
        say_json(told)
        return
    rows = [
        [one["name"], "yes" if one["opened"] else f"until {one['link_until']}", one["added_at"], one["added_by"]]
        for one in told
    ]
    say_table(["name", "opened", "added", "added by"], rows)
