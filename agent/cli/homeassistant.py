"""`latchkey homeassistant`: what Home Assistant is told of this terminal, and that it is there no more."""

from __future__ import annotations

import typer

from agent.cli.output import say, say_json
from agent.cli.settings import ConfigFile, Sets, load

homeassistant = typer.Typer(
    help="What Home Assistant is told of this terminal; take it away from there.", no_args_is_help=True
)


@homeassistant.command()
def show(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Print the announcement as JSON: `topic`, and `payload` as it is retained there."""
    configured = load(config, sets)
    from agent.homeassistant.bundle import bundle
    from agent.mqtt.topics import Topics

    made = bundle(Topics(configured.device.site, configured.device.name), configured.homeassistant)
    say_json({"topic": made.topic, "payload": made.body})


@homeassistant.command()
def remove(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Take this terminal away from Home Assistant. An agent that is enabled there announces it again at its next start.

    Exit status: 2 if the broker is not there or refuses.
    """
    configured = load(config, sets)
    from agent.homeassistant.discovery import to_remove
    from agent.homeassistant.removal import remove as take_away
    from agent.reach import link_settings

    device, topics = configured.device, sorted(to_remove(configured))
    take_away(link_settings(configured.mqtt), topics, client_id=f"latchkey-{device.site}-{device.name}-remove")
    for topic in topics:
        say(f"removed: {topic}")
