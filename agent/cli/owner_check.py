"""`latchkey check` looks whether anybody's commands are carried out."""

from __future__ import annotations

from agent import admins
from agent.cli.findings import Finding, State
from agent.cli.opened import database
from agent.config import Config

PAIR = "latchkey trust pair, here; or set [trust] owner"


def owner(config: Config) -> Finding:
    """Says who owns the device, and so lets others in."""
    if not config.mqtt.enabled:
        return Finding("owner", State.OK, "not asked for: MQTT is off")
    found = admins.configured_owner(config)
    names = [] if found is None else [found.name]
    if config.database_path.exists():
        with database(config) as db:
            names = [each.name for each in admins.owners(db, config)]
    if not names:
        return Finding("owner", State.WARNING, "nobody owns this device, and no owner's command is carried out", PAIR)
    return Finding("owner", State.OK, ", ".join(names))
