"""What a rulebook says, as JSON values."""

from __future__ import annotations

from datetime import date, time
from typing import Any


def plain(value: Any) -> Any:
    """Returns what TOML holds as JSON: dates and times as the text that rules take as well."""
    match value:
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case date():  # or a datetime
            return value.isoformat()
        case time():
            return f"{value:%H:%M}"
    return value
