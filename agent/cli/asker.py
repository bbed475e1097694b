"""Who asks on the command line."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime

from ulid import ULID

from agent.register import Request

LONGEST = 60  # characters of a user's name


def asker() -> Request:
    """Returns the request of the user who runs the command, also through sudo: `cli:root`."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        user = str(os.getuid())
    shown = "".join(letter if letter.isprintable() else "?" for letter in user[:LONGEST])
    return Request(f"cli:{shown}", datetime.now(UTC), str(ULID()))
