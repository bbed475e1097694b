"""How the people are named between systems: in the database, in MQTT bodies and on the command line."""

from __future__ import annotations

import re

PERSON_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Safe as a file name and as a level of an MQTT topic."""


def check_person_id(text: str) -> str:
    """Return `text` if it may name a person, or raise ValueError."""
    # "$" lets a newline follow
    if not re.match(PERSON_ID_PATTERN, text) or text.endswith("\n"):
        raise ValueError(
            f"{text[:80]!r} is not a person id: want 1 to 64 of the letters A-Z and a-z, digits, '.', '_' and '-', "
            "the first a letter or a digit"
        )
    return text
