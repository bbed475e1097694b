"""Values as they are written in TOML."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from agent.errors import RulesRefused

BY_HAND: Final = "this text is written in a way that only a person can change: edit it as text"
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_DELETE: Final = "\x7f"  # JSON writes it as it is, TOML does not


def one_line(value: Any, instead: str) -> str:
    """Returns a value to be written in the place of another.

    Args:
        value: JSON.
        instead: what is written there. Comments between its lines would be lost.

    Raises:
        RulesRefused: there may be some.
    """
    if "\n" in instead and "#" in instead:
        raise RulesRefused([BY_HAND])
    return value_text(value)


def value_text(value: Any) -> str:
    """Returns a JSON value as TOML writes it, on one line."""
    match value:
        case dict():
            inner = ", ".join(f"{key_text(key)} = {value_text(one)}" for key, one in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list():
            return f"[{', '.join(map(value_text, value))}]"
        case str():
            # A JSON text is one of TOML's, but for that one character
            return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
        case _:
            return json.dumps(value)


def key_text(key: str) -> str:
    """Returns a key, in quotes where it needs them."""
    return key if _BARE.fullmatch(key) else value_text(key)


def pair_text(key: str, value: Any) -> str:
    """Returns a key and its value."""
    return f"{key_text(key)} = {value_text(value)}"


def section_text(header: str, table: dict[str, Any]) -> str:
    """Returns a table under its header, such as `[doors.front]` or `[[days]]`."""
    return "\n".join([header, *(pair_text(key, value) for key, value in table.items())])
