"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # the agent works, perhaps not as meant
    FAILED = "failed"  # the agent does not start, or not all of it works


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    text: str
    advice: str = ""  # what to do; an error's own text says it already
