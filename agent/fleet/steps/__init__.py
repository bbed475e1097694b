"""The tables of a fleet, as numbered steps. A step that has been released is never changed: a new one follows it."""

from __future__ import annotations

from typing import Final

from agent.fleet.steps import keeping, reports, tables

STEPS: Final[tuple[str, ...]] = (tables.STEP, reports.STEP, keeping.STEP)
"""SQL of PostgreSQL 14 or newer; each is one transaction with its number."""
