"""The people of a script. PINs are their own hashes here, and card numbers their own digests: there is no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from agent.access.factors import Factors
from agent.access.holder import Holder, Register, State
from agent.person_id import check_person_id

ATTRIBUTES: Final = {
    "groups": "groups A,B",
    "badge": "badge NUMBER",
    "pin": "pin PIN",
    "duress": "duress PIN",
    "card": "card NUMBER",
    "state": "state STATE",
    "from": "from TIME",
    "to": "to TIME",
    "factors": "factors WAY,WAY",
    "visitor": "visitor",
    "extended": "extended",
}
"""What can be said of a person, and how."""


def digest(card: str) -> str:
    """Returns what the register has for a card number."""
    return card.casefold()


@dataclass(slots=True)
class People:
    """Everybody so far."""

    holders: dict[str, Holder] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)

    def set(self, words: list[str], time: Callable[[str], datetime]) -> None:
        """Adds a person or changes one.

        Args:
            words: the id, and attributes.
            time: reads a time.

        Raises:
            ValueError: saying what is wrong.
        """
        if not words:
            raise ValueError(f"want `person ID` and any of: {', '.join(ATTRIBUTES.values())}")
        person, rest = words[0], iter(words[1:])
        check_person_id(person)
        changes: dict[str, Any] = {}
        for name in rest:
            if name in {"visitor", "extended"}:
                changes[name] = True
            elif name == "card":
                self._add_card(person, next(rest, None))
            else:
                changes |= _attribute(name, next(rest, None), time)
        holder = replace(self.holders.get(person) or Holder(person), **changes)
        others = [other.id for other in self.holders.values() if other.badge == holder.badge and other.id != person]
        if holder.badge is not None and others:
            raise ValueError(f"the badge number {holder.badge} is {others[0]}'s already")
        self.holders[person] = holder

    def register(self) -> Register:
        """Returns everybody as of now."""
        badges = {holder.badge: holder.id for holder in self.holders.values() if holder.badge is not None}
        return Register(dict(self.holders), badges, dict(self.cards))

    def _add_card(self, person: str, number: str | None) -> None:
        if number is None:
            raise ValueError("want a number after card")
        if self.cards.setdefault(digest(number), person) != person:
            raise ValueError(f"the card {number} is {self.cards[digest(number)]}'s already")


def _attribute(name: str, value: str | None, time: Callable[[str], datetime]) -> Mapping[str, object]:
    readers: dict[str, tuple[str, Callable[[str], object]]] = {
        "groups": ("groups", lambda text: frozenset(_names(text))),
        "badge": ("badge", str),
        "pin": ("pin", str),
        "duress": ("duress", str),
        "state": ("state", _state),
        "from": ("valid_from", time),
        "to": ("valid_to", time),
        "factors": ("factors", Factors.parse),
    }
    if name not in readers:
        raise ValueError(f"{name!r} is nothing that a person has; there are {', '.join(ATTRIBUTES.values())}")
    if value is None:
        raise ValueError(f"want a value after {name}")
    key, read = readers[name]
    return {key: read(value)}


def _names(text: str) -> Iterable[str]:
    return [name for name in text.split(",") if name]


def _state(text: str) -> State:
    if text not in set(State):
        raise ValueError(f"there is no state {text!r}; there are {', '.join(State)}")
    return State(text)
