"""Values as they are written in TOML."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_DELETE: Final = "\x7f"  # JSON writes it as it is, TOML does not


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
