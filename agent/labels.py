"""What events say of a person beside the id: the badge number, and the name where the operator wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.access.holder import Register
from agent.config.people import Events
from agent.store.db import Db
from agent.store.holders import load_names


@dataclass(frozen=True, slots=True)
class Labels:
    """Looks people up. Replaced as a whole when people change, as the register is."""

    told: Events
    register: Register = field(default_factory=Register, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)  # by id; empty where names are not told

    def of(self, person: str | None) -> dict[str, object]:
        """Returns what the body of an event says beside `person`: `badge` and `name`, null where there is none.

        What is switched off is left out.
        """
        labels: dict[str, object] = {}
        if self.told.badge:
            holder = self.register.people.get(person) if person is not None else None
            labels["badge"] = holder.badge if holder else None
        if self.told.name:
            labels["name"] = self.names.get(person) if person is not None else None
        return labels


def load_labels(db: Db, told: Events, register: Register) -> Labels:
    """Returns the labels of everybody in `register`; names are read only where they are told."""
    return Labels(told, register, load_names(db) if told.name else {})


def nameless(body: Mapping[str, object]) -> dict[str, object]:
    """Returns the body of an event as the log may have it, which nobody forgets people in: without the name."""
    return {key: value for key, value in body.items() if key != "name"}


def gist(body: Mapping[str, object]) -> object:
    """Returns what an event is about, for the log."""
    return next((body[key] for key in ("outcome", "action", "alarm", "type") if key in body), "")
