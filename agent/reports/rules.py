"""The rules that reports are made by."""

from __future__ import annotations

from agent.access.rules import Rules
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.timezone import machine_zone


def rules_in_force(db: Db) -> Rules:
    """Returns the rules in force; those of a site without rules where none were given."""
    return load_rules(db, machine_zone())
