"""Which groups of devices this one is in."""

from __future__ import annotations

from agent.config import Config
from agent.store import roster
from agent.store.db import Db


def groups_of(db: Db, config: Config) -> tuple[str, ...]:
    """Returns the groups by the roster, where the device follows it and it says; else by the configuration."""
    device = config.device
    given = roster.groups_given(db, f"device/{device.site}/{device.name}") if config.roster.enabled else None
    return device.groups if given is None else given
