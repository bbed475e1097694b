"""The table [roster]."""

from __future__ import annotations

from agent.config.kinds import Table


class Roster(Table):
    """What the fleet wants this device to hold: `deploy/ROSTER.md`."""

    enabled: bool = False  # follow the roster of the site: wants `latchkey roster serve` at the same broker
