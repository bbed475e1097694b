"""What a script says: who there is, and what happens when.

    person anna  groups staff  badge 1042  pin 4711
    day 2026-11-23
    08:58     front  face anna
    08:58:05  front  pin 4711
    12:00     front  mode locked_down
    13:00     person anna  state suspended

`deploy/day.example.txt` shows everything that can be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.access.holder import Register


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what happens at a door."""

    line: int
    at: datetime  # UTC
    door: str
    verb: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One line: people are others from here on."""

    line: int
    at: datetime  # UTC
    register: Register


@dataclass(frozen=True, slots=True)
class Script:
    """All of it, in order."""

    register: Register  # at the start
    steps: tuple[Step | Change, ...]
    doors: tuple[str, ...]  # in the order in which they are mentioned
    contacts: frozenset[str]  # doors that have one


@dataclass(frozen=True, slots=True)
class Form:
    """How a verb is used."""

    usage: str
    words: tuple[int, int]  # how few, how many
    first: Mapping[str, str] | None = None  # what the first word may be


_NOTHING = (0, 0)
"""No words after the verb."""


def _choice(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


FORMS: Mapping[str, Form] = {
    "face": Form("face PERSON [again]", (1, 2)),
    **{
        verb: Form(verb, _NOTHING) for verb in ("unknown", "poor_quality", "ambiguous", "inconsistent", "empty_gallery")
    },
    "card": Form("card NUMBER [key KEY] [mode MODE]", (1, 5)),
    "pin": Form("pin [BADGE] PIN [key KEY] [mode MODE]", (1, 6)),
    "types": Form("types TEXT", (1, 1)),
    "key": Form("key KEY", (1, 1)),
    "mode": Form(
        "mode MODE",
        (1, 1),
        _choice("normal", "locked_down", "free_access", "scheduled", "first_person", "rules"),
    ),
    **{verb: Form(verb, _NOTHING) for verb in ("opens", "closes", "exit", "offline", "online")},
    "storage": Form("storage ok|failed [open]", (1, 2), _choice("ok", "failed")),
    "clock": Form(
        "clock synchronised|rtc|unsynchronised|unknown",
        (1, 1),
        _choice("synchronised", "rtc", "unsynchronised", "unknown"),
    ),
}
"""What can happen at a door."""
