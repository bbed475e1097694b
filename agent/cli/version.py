"""`latchkey version`."""

from __future__ import annotations

from agent.cli.output import say
from agent.version import VERSION


def version() -> None:
    """Print the version."""
    say(f"latchkey {VERSION}")
