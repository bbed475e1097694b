"""The time zone in which people type times."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from agent.access.rules import UTC_ZONE
from agent.store.db import Db


def site_zone(db: Db) -> ZoneInfo:
    """Returns the zone of the rules in force; UTC where there are none."""
    del db
    return UTC_ZONE
