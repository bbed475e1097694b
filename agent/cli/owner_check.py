"""`latchkey check` looks whether anybody's commands are carried out."""

from __future__ import annotations

from agent import condition
from agent.cli.opened import database
from agent.config import Config
from agent.findings import Finding


def owner(config: Config) -> Finding:
    """Says who owns the device, and so lets others in."""
    if not (config.mqtt.enabled and config.database_path.exists()):
        return condition.owner(config, None)
    with database(config) as db:
        return condition.owner(config, db)
