"""Goals beside figures: `goals.toml` says what is wanted, this what of it is met."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ConfigError

GOALS = Path(__file__).with_name("goals.toml")
KEYS = {"name", "figure", "at_least", "at_most", "unit", "public"}
UNITS = ("%", "points", "MB", "ms", "x")


@dataclass(frozen=True, slots=True)
class Goal:
    """What one figure is to be."""

    name: str
    figure: str  # SECTION.NAME
    bound: float
    least: bool  # the figure is to be at least the bound; else at most
    unit: str
    public: str  # what public models reach

    def met(self, value: float) -> bool:
        """Says whether a figure is good enough; one that could not be measured is not."""
        if math.isnan(value):
            return False
        return value >= self.bound if self.least else value <= self.bound

    def wanted(self) -> str:
        """Returns the goal for a table: "≥ 99.4 %"."""
        return f"{'≥' if self.least else '≤'} {shown(self.bound, self.unit)}"


def shown(value: float, unit: str) -> str:
    """Returns a figure as a person reads it."""
    if math.isnan(value):
        return "not measured"
    if unit in ("%", "points"):
        return f"{value * 100:.2f} {unit}".replace(".00 ", " ")
    if unit == "MB":
        return f"{value / 1e6:.2f} MB"
    return f"{value:.2f} ms" if unit == "ms" else times(value)


def times(value: float) -> str:
    """Returns a ratio as a person reads it."""
    return f"{value:.2f} \N{MULTIPLICATION SIGN}"


def load_goals(path: Path = GOALS) -> list[Goal]:
    """Returns the goals of a file.

    Raises:
        ConfigError: the file is missing or not as it should be.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("goal", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: the goals cannot be read: {error}") from error
    return [_goal(path, number, table) for number, table in enumerate(tables, start=1)]


def _goal(path: Path, number: int, table: Mapping[str, object]) -> Goal:
    where = f"{path}: goal {number}"
    if unknown := set(table) - KEYS:
        raise ConfigError(f"{where} has unknown keys {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}")
    if ("at_least" in table) == ("at_most" in table):
        raise ConfigError(f"{where} wants either at_least or at_most")
    bound = table.get("at_least", table.get("at_most"))
    texts = {key: table.get(key, "") for key in ("name", "figure", "unit", "public")}
    if not isinstance(bound, int | float) or not all(isinstance(text, str) for text in texts.values()):
        raise ConfigError(f"{where}: the bound is a number, everything else a text")
    if texts["unit"] not in UNITS:
        raise ConfigError(f"{where}: the unit {texts['unit']!r} is none of {', '.join(UNITS)}")
    words = {key: str(text) for key, text in texts.items()}
    return Goal(words["name"], words["figure"], float(bound), "at_least" in table, words["unit"], words["public"])


def flatten(sections: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Returns figures by SECTION.NAME, as goals name them."""
    return {f"{section}.{name}": value for section, figures in sections.items() for name, value in figures.items()}
