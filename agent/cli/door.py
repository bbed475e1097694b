"""`latchkey door`: the relay without the agent."""

from __future__ import annotations

import typer

from agent.cli.output import say
from agent.cli.settings import ConfigFile, Sets, load

door = typer.Typer(help="Handle the door while no agent runs.", no_args_is_help=True)


@door.callback()
def only_one() -> None:
    """Handle the door while no agent runs."""  # without a callback typer would make `release` the whole command


@door.command()
def release(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Lock the door and let go of the relay: for systemd, after an agent that was killed while the door was open.

    Exit status: 2 if the relay is not there, or an agent has it.
    """
    configured = load(config, sets)
    from agent.make import make_door

    make_door(configured).close()
    say(f"door locked: {configured.door.backend}")
