"""What a script says: who there is, and what happens when.

    # a comment; so is what follows " #" in a line
    person anna  groups staff,chiefs  badge 1042  pin 4711  duress 4799  card 0xABC
    person vera  groups guests  visitor  from 2026-11-23T09:00  to 2026-11-23T17:00
    day 2026-11-23
    08:58     front  face anna           # recognised; `face anna again`: a repeat, the same visit still
    08:58:05  front  pin 4711            # after a face or a card; `pin 1042 4711`: badge number and PIN
    09:00     front  card 0xABC          # `card 0xABC mode free_access`: asks for a mode with it, `key out` for a key
    09:01     front  types 1042*4711#    # as a keypad sends it
    09:02     front  unknown             # a face nobody has; also poor_quality, ambiguous, inconsistent, empty_gallery
    09:03     front  key break_start     # an attendance key for whoever comes next
    12:00     front  mode locked_down    # by command; `mode rules`: that of the rules
    12:01     front  opens               # the contact; then `closes`. Without either the door has no contact
    12:02     front  exit                # the exit button
    12:03     side   offline             # its peers cannot hear it, nor it them; then `online`
    12:04     front  storage failed      # `storage failed open`: with the policy to open; then `storage ok`
    12:05     front  clock unsynchronised
    13:00     person anna  state suspended

Times are those on the wall, in the time zone of the rules, and never go back. A time that the wall shows twice, when
summer time ends, is the first one that is not before the line above; `02:30+01:00` says which.
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
