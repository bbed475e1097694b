"""PINs as hashes and cards as keyed digests: what is read from here opens nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from agent.store.db import Db
from agent.store.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Card:
    """A card or a QR code of somebody."""

    digest: str = field(repr=False)
    person: str
    hint: str  # the last characters of the number
    added_at: datetime


def set_pin(db: Db, person: str, pin: str, duress: str | None, at: datetime) -> None:
    """Give a person who is there these hashes in place of any before."""
    with db.transaction() as sql:
        sql.execute(
            "REPLACE INTO pins (person, hash, duress, set_at) VALUES (?, ?, ?, ?)", (person, pin, duress, to_text(at))
        )
        db.wipe_log()


def clear_pin(db: Db, person: str) -> bool:
    """Forget the PIN of a person; return whether there was one."""
    with db.transaction() as sql:
        db.wipe_log()
        return bool(sql.execute("DELETE FROM pins WHERE person = ?", (person,)).rowcount)


def pin_set_at(db: Db, person: str) -> datetime | None:
    """Return when the person's PIN was set; None where there is none."""
    rows = db.rows("SELECT set_at FROM pins WHERE person = ?", (person,))
    return from_text(rows[0][0]) if rows else None


def add_card(db: Db, card: Card) -> None:
    """Add a card that nobody has."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO cards VALUES (?, ?, ?, ?)", (card.digest, card.person, card.hint, to_text(card.added_at))
        )


def find_card(db: Db, digest: str) -> Card | None:
    """Return the card with this digest, or None."""
    return next(iter(_cards(db, "WHERE digest = ?", digest)), None)


def cards_of(db: Db, person: str) -> list[Card]:
    """Return the cards of a person, the oldest first."""
    return _cards(db, "WHERE person = ? ORDER BY added_at, digest", person)


def remove_cards(db: Db, digests: Iterable[str]) -> None:
    """Forget these cards."""
    with db.transaction() as sql:
        sql.executemany("DELETE FROM cards WHERE digest = ?", [(digest,) for digest in digests])
        db.wipe_log()


def _cards(db: Db, clauses: str, *parameters: str) -> list[Card]:
    rows = db.rows(f"SELECT digest, person, hint, added_at FROM cards {clauses}", parameters)  # noqa: S608 - ours
    return [Card(digest, person, hint, from_text(at)) for digest, person, hint, at in rows]
