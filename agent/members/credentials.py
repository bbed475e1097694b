"""PINs and cards: given, and taken away. Neither is ever told again, not by the audit either."""

from __future__ import annotations

from typing import Any, Final

from agent.audit import audit
from agent.errors import CommandError
from agent.members.known import enrolled
from agent.mqtt.message import Code
from agent.pins import Pins, card_hint, digest_card
from agent.register import Request
from agent.store import credentials
from agent.store.credentials import Card
from agent.store.db import Db

MOST_CARDS: Final = 16  # of one person


def new_pins(db: Db, person: str, pin: str, duress: str | None = None) -> Pins:
    """Returns the hashes for `set_pin`. Takes a while on purpose: not in a transaction.

    Args:
        db: the database.
        person: whose they will be.
        pin: the digits.
        duress: the digits that open and raise a silent alarm; None for none.

    Raises:
        CommandError: there is no such person, or a PIN is too easy.
    """
    try:
        return Pins.of(pin, duress, badge=enrolled(db, person).badge)
    except ValueError as error:
        if isinstance(error, CommandError):
            raise
        raise CommandError(Code.BAD_PIN, str(error)) from None


def set_pin(db: Db, person: str, pins: Pins, request: Request) -> dict[str, Any]:
    """Gives a person a PIN in place of any before, and the duress PIN or none.

    Raises:
        CommandError: there is no such person.
    """
    with db.transaction():
        enrolled(db, person)
        credentials.set_pin(db, person, pins.pin, pins.duress, request.at)
        audit(db, "pin_set", person, request, {"duress": pins.duress is not None})
    return {"person": person, "pin": True, "duress": pins.duress is not None}


def clear_pin(db: Db, person: str, request: Request) -> dict[str, Any]:
    """Takes a person's PIN and duress PIN away, if there are any.

    Raises:
        CommandError: there is no such person.
    """
    with db.transaction():
        enrolled(db, person)
        if credentials.clear_pin(db, person):
            audit(db, "pin_cleared", person, request)
    return {"person": person, "pin": False, "duress": False}


def add_card(db: Db, person: str, number: str, key: bytes, request: Request) -> dict[str, Any]:
    """Gives a person a card, or a QR code; the same card again changes nothing.

    Args:
        db: the database.
        person: their id.
        number: as read, or the text of the code.
        key: of the cards of this site.
        request: who asked.

    Returns:
        `person`, the card's `hint`, and how many `cards` the person has.

    Raises:
        CommandError: there is no such person, the number will not do, or the card is another's.
    """
    digest, hint = _token(number, key)
    with db.transaction():
        enrolled(db, person)
        there = credentials.find_card(db, digest)
        if there is not None and there.person != person:
            raise CommandError(Code.CARD_TAKEN, f"this card is that of {there.person}: remove it there first")
        count = len(credentials.cards_of(db, person))
        if there is None:
            if count >= MOST_CARDS:
                raise CommandError(Code.BAD_REQUEST, f"{person} has {count} cards: remove one first")
            credentials.add_card(db, Card(digest, person, hint, request.at))
            count += 1
            audit(db, "card_added", person, request, {"cards": count})
    return {"person": person, "hint": hint, "cards": count}


def remove_card(
    db: Db, person: str, request: Request, *, number: str | None = None, hint: str | None = None, key: bytes
) -> dict[str, Any]:
    """Takes a card away: by its number, or where that is lost by its hint; all cards, if neither is given.

    Returns:
        `person`, how many were `removed`, and how many `cards` are left. One that is gone already is no error where
        the number is known.

    Raises:
        CommandError: there is no such person or hint, the number will not do, or the card is another's.
    """
    digest = None if number is None else _token(number, key)[0]
    with db.transaction():
        enrolled(db, person)
        cards = credentials.cards_of(db, person)
        if digest is not None and (there := credentials.find_card(db, digest)) and there.person != person:
            raise CommandError(Code.CARD_TAKEN, f"this card is that of {there.person}")
        gone = [card.digest for card in cards if digest in {None, card.digest} and hint in {None, card.hint}]
        if hint is not None and len(gone) != 1:
            problem = "no card" if not gone else f"{len(gone)} cards"
            raise CommandError(Code.UNKNOWN_CARD, f"{person} has {problem} ending in {hint[:8]!r}: see `people show`")
        if gone:
            credentials.remove_cards(db, gone)
            audit(db, "card_removed", person, request, {"cards": len(cards) - len(gone)})
    return {"person": person, "removed": len(gone), "cards": len(cards) - len(gone)}


def _token(number: str, key: bytes) -> tuple[str, str]:
    try:
        return digest_card(number, key), card_hint(number)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from None
