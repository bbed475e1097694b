"""The time zone in which people type times."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from agent.store.db import Db


def site_zone(db: Db) -> ZoneInfo:
    """Returns the zone of the rules in force; the machine's where there are none."""
    from agent.rules_in_force import load_rules

    return load_rules(db).zone
