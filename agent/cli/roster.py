"""`latchkey roster`: the service that keeps the roster of a site."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.output import say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

roster = typer.Typer(help="Keep the roster of a site: what its devices are to hold.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where roster.db and roster.key are. Default: device.data_dir.")
]


@roster.command()
def serve(*, folder: Folder = None, config: ConfigFile = None, sets: Sets = None) -> None:
    """Keep the roster of device.site and answer admins and devices, until asked to stop.

    It needs a broker (mqtt.host), and an owner's public key (trust.owner): what others sign counts by what the owner
    has put into the roster. Exit status: 2 if one of them is missing.
    """
    configured = load(config, sets, quiet=False)
    from agent.reach import link_settings
    from agent.roster.registrar import Registrar
    from agent.roster.service import RosterService
    from agent.roster.service_key import service_key
    from agent.store.db import agent_lock, open_db
    from agent.trust.keys import PublicKey

    if not configured.trust.owner:
        raise ConfigError("[trust] owner is empty: the roster wants an owner's public key (`latchkey admin key show`)")
    where = folder or configured.device.data_dir
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    path = where / "roster.db"
    with agent_lock(path), open_db(path) as db:
        key = service_key(where / "roster.key")
        registrar = Registrar(db, configured.device.site, PublicKey.parse(configured.trust.owner), key)
        service = RosterService(link_settings(configured.mqtt), registrar)
        say(f"roster of {configured.device.site}: {registrar.head()['seq']} documents so far; key {key.public.id}")
        while not stopping.is_set():
            service.step()
        service.close()


@roster.command("skip-to")
def skip_to(
    seq: Annotated[int, typer.Argument(min=1, metavar="SEQ", help="The highest `head` that a device has heard of.")],
    *,
    folder: Folder = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Number above SEQ from now on: after a backup of the roster was restored, for devices refuse an older end."""
    configured = load(config, sets)
    from agent.store import roster_book
    from agent.store.db import agent_lock, open_db

    path = (folder or configured.device.data_dir) / "roster.db"
    with agent_lock(path), open_db(path, create=False) as db:
        roster_book.skip_to(db, seq)
        say_json({"seq": roster_book.state(db).seq})
