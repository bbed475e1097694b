"""`latchkey door`: the door of the agent that runs, and the relay without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from agent.cli.choices import ModeName
from agent.cli.opened import database, request
from agent.cli.output import Json, say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.access.rules import DoorRules
    from agent.config import Config
    from agent.store.db import Db
    from agent.store.orders import What

door = typer.Typer(help="Set the mode of the door; unlock, lock or hold it; let go of it.", no_args_is_help=True)


@door.command()
def mode(
    mode: Annotated[
        ModeName | None, typer.Argument(metavar="MODE", help=f"One of {', '.join(get_args(ModeName))}.")
    ] = None,
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Show or set the mode of the door. It stays over a restart; a running agent follows at once.

    Exit status: 1 if the rules of the door let nobody set it from here.
    """
    configured = load(config, sets)
    from agent.access.rules import Mode
    from agent.modes import mode_as_json, set_mode
    from agent.store.door import load_mode

    with database(configured, create=mode is not None) as db:
        rules = _rules(db, configured)
        if mode is None:
            now = mode_as_json(load_mode(db), rules)
        else:
            now = mode_as_json(set_mode(db, Mode(mode), rules, request()), rules)
    if json:
        say_json(now)
    elif now["since"] is None:
        say(f"{now['mode']}, by the rules")
    else:
        say(f"{now['mode']}, since {now['since']} by {now['by']}")


@door.command()
def unlock(
    *,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="For so long, up to max_open_seconds. Default: pulse_seconds.")
    ] = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Unlock the door of the agent that runs, for a time.

    Exit status: 1 if no agent runs, or the door is locked down.
    """
    configured = load(config, sets)
    from agent.store.orders import What

    longest = configured.door.max_open_seconds
    if seconds is not None and not seconds <= longest:
        raise ConfigError(f"--seconds {seconds:g}: want 0.1 to max_open_seconds = {longest:g}")
    _order(configured, What.UNLOCK, seconds)
    say("unlocked")


@door.command()
def hold(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Unlock the door of the agent that runs, until it is locked by command or the agent ends.

    Exit status: 1 if no agent runs, or the door is locked down.
    """
    from agent.store.orders import What

    _order(load(config, sets), What.HOLD)
    say("unlocked until it is locked")


@door.command()
def lock(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Lock the door of the agent that runs, also where its mode keeps it unlocked, until that ends.

    Exit status: 1 if no agent runs.
    """
    from agent.store.orders import What

    _order(load(config, sets), What.LOCK)
    say("locked")


@door.command()
def release(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Lock the door and let go of the relay: for systemd, after an agent that was killed while the door was open.

    Exit status: 2 if the relay is not there, or an agent has it.
    """
    configured = load(config, sets)
    from agent.make import make_door

    make_door(configured).close()
    say(f"door locked: {configured.door.backend}")


def _order(config: Config, what: What, seconds: float | None = None) -> None:
    from agent.orders import give

    with database(config) as db:
        give(db, what, seconds)


def _rules(db: Db, config: Config) -> DoorRules:
    """Returns the rules of this door that are in force."""
    from agent.rules_in_force import load_rules

    return load_rules(db).door(config.device.name)
