"""Who agreed to what, and who took it back: rows are added, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from agent.store.db import Db
from agent.store.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said about being recognised."""

    given: bool  # False: withdrawn
    at: datetime
    text: str  # which text was agreed to: its name and version
    by: str  # who took it down

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Return the consent of the columns given, at, text, by."""
        given, at, text, by = row
        return cls(bool(given), from_text(at), text, by)


def add(db: Db, person: str, consent: Consent) -> None:
    """Note what a person who is there has said."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO consents (person, given, at, text, by) VALUES (?, ?, ?, ?, ?)",
            (person, consent.given, to_text(consent.at), consent.text, consent.by),
        )


def of_person(db: Db, person: str) -> list[Consent]:
    """Return everything the person said, in the order in which it was noted: the last one counts.

    The clock may have been wrong, so the times do not say the order.
    """
    rows = db.rows("SELECT given, at, text, by FROM consents WHERE person = ? ORDER BY id", (person,))
    return [Consent.from_row(row) for row in rows]


def last(db: Db, person: str) -> Consent | None:
    """Return what the person said last; None where they never said anything."""
    said = of_person(db, person)
    return said[-1] if said else None


def in_force(db: Db, person: str) -> Consent | None:
    """Return the consent that holds; None where there was none, or it was withdrawn."""
    said = last(db, person)
    return said if said is not None and said.given else None
