"""The configuration as it may be shown: what counts, and what of it somebody has set. Secrets never stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from agent.config.tables import Config

_SECRET: Final = re.compile(r"password|passphrase|secret|token")
"""Keys of such names hold files alone, `..._file`, which are not read here. One that ever holds more is left out."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of a table."""

    key: str
    value: Any  # as JSON has it
    changed: bool  # it is another than by default


def shown(config: Config) -> dict[str, list[Setting]]:
    """Returns each table's keys with their values, and whether that is another than by default."""
    defaults = Config().model_dump(mode="json")
    tables = config.model_dump(mode="json")
    return {name: _rows(table, defaults.get(name, {})) for name, table in tables.items()}


def _rows(table: dict[str, Any], default: dict[str, Any], before: str = "") -> list[Setting]:
    rows = list[Setting]()
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(default.get(key), dict) and default[key]:
            rows += _rows(value, default[key], f"{before}{key}.")
        elif key.endswith("_file") or not _SECRET.search(key):
            rows.append(Setting(f"{before}{key}", value, value != default.get(key)))
    return rows
