"""The rules that reports are made by."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from agent.access.rules import Rules
from agent.rulebook.parse import open_rules, parse
from agent.store.db import Db


def rules_in_force(db: Db) -> Rules:
    """Returns the rules in force; those of a site without rules where none were given."""
    found = db.rows("SELECT text, version FROM rulebook ORDER BY version DESC LIMIT 1")
    return parse(found[0][0], version=found[0][1]) if found else open_rules(ZoneInfo("UTC"))
