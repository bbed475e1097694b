"""Where a rulebook speaks of what it names: schedules, zones, doors and shifts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from agent.rulebook.lines import Path

EACH: Final = "*"

_VALUES: Final[dict[str, tuple[Path, ...]]] = {
    "schedules": (
        ("doors", EACH, "unlocked"),
        ("doors", EACH, "two_person"),
        ("grants", EACH, "schedule"),
        ("attendance", "by_schedule", EACH, "schedule"),
        ("shifts", EACH, "schedule"),
    ),
    "zones": (("doors", EACH, "enters"), ("doors", EACH, "leaves")),
    "doors": (
        ("doors", EACH, "interlock", EACH),
        ("grants", EACH, "doors", EACH),
        ("attendance", "terminals", EACH),
    ),
    "shifts": (("work", EACH, "shift"),),
}
_KEYS: Final[dict[str, tuple[Path, ...]]] = {
    "schedules": (("doors", EACH, "factors_in", EACH),),
    "doors": (("attendance", "doors", EACH), ("attendance", "fixed", EACH)),
}


def values_of(book: dict[str, Any], table: str, name: str) -> list[Path]:
    """Returns the paths of the values that are this name."""
    found = (path for pattern in _VALUES[table] for path, value in _matching(book, pattern) if value == name)
    return list(found)


def keys_of(book: dict[str, Any], table: str, name: str) -> list[Path]:
    """Returns the paths whose last key is this name, without that of the table itself."""
    return [path for pattern in _KEYS.get(table, ()) for path, _ in _matching(book, pattern) if path[-1] == name]


def used(book: dict[str, Any], table: str) -> dict[str, list[Path]]:
    """Returns where each name of a table is used, in the order of the tables."""
    uses: dict[str, list[Path]] = {name: [] for name in book.get(table, ())}
    for pattern in _VALUES[table]:
        for path, value in _matching(book, pattern):
            uses.setdefault(value, []).append(path)
    for pattern in _KEYS.get(table, ()):
        for path, _ in _matching(book, pattern):
            uses.setdefault(str(path[-1]), []).append(path)
    return {name: uses[name] for name in book.get(table, ())}


def _matching(value: Any, pattern: Path, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, value
        return
    inner: list[tuple[str | int, Any]] = (
        [*value.items()] if isinstance(value, dict) else [*enumerate(value)] if isinstance(value, list) else []
    )
    for key, one in inner:
        if pattern[0] in (EACH, key):
            yield from _matching(one, pattern[1:], (*path, key))
