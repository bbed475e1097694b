"""Whether a table has commas between its cells, or semicolons, as from spreadsheets with decimal commas."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"[^"]*"')


def delimiter(first: str) -> str:
    """Returns the one there is more of in the first line, outside quotes; the comma where neither is."""
    plain = _QUOTED.sub("", first)
    return ";" if plain.count(";") > plain.count(",") else ","
