"""What is measured: a figure, and what it may be at most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    value: float | None  # the median where there are many; None where it could not be measured
    p95: float | None = None
    asked: float | None = None  # `value` has to be below this
    note: str = ""  # what it is made of, or why there is none

    @property
    def ok(self) -> bool | None:
        """Whether it is as fast, or as small, as asked; None where nothing was asked or measured."""
        return None if self.value is None or self.asked is None else self.value < self.asked

    def as_json(self) -> dict[str, Any]:
        """Everything, JSON-able."""
        return asdict(self) | {"ok": self.ok}
