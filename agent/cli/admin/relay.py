"""`latchkey admin relay`: a program beside Home Assistant that signs for it."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.logs import start_logging
from agent.cli.output import say
from agent.errors import ConfigError


def relay(
    *,
    homeassistant: Annotated[
        bool, typer.Option("--homeassistant", help="For Home Assistant: LOCK, UNLOCK and OPEN of its lock entities.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="Home Assistant's discovery prefix.")] = "homeassistant",
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="DEVICE", help="These doors alone. Default: all of the site.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="For how long to unlock. Default: as for a person.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Broker, site and key. Default: $LATCHKEY_ADMIN, else ~/.config/latchkey."),
    ] = None,
) -> None:
    """Lock and unlock for Home Assistant, which cannot sign, with the key of this profile: an operator's.

    Whoever may write PREFIX/latchkey/SITE/DEVICE/lock/set may unlock: give it to Home Assistant alone in the broker's
    access list. Runs until it is stopped. deploy/HOMEASSISTANT.md says more.
    """
    if not homeassistant:
        raise ConfigError("for whom? `latchkey admin relay --homeassistant`")
    from agent.cli.admin.opened import passphrase, profile_of
    from agent.client import key_file
    from agent.config.kinds import TOPIC_LEVEL
    from agent.homeassistant.relay import Relay
    from agent.homeassistant.service import serve

    if not TOPIC_LEVEL.fullmatch(prefix):
        raise ConfigError(f"--prefix {prefix}: want one level of a topic, as in homeassistant")
    told = profile_of(profile)
    key = key_file.read(told.key_file, passphrase)
    start_logging("info")
    doors = [told.topics(each).device for each in at or ()]
    settings = replace(told.settings, client_id=f"latchkey-relay-{told.site}-{key.public.id}", session_seconds=0)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    say(f"relay for Home Assistant: {told.site}, key {key.public.id}")
    serve(settings, Relay(told.site, key, prefix=prefix, doors=doors, seconds=seconds), stop)
