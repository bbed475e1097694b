"""A person of the roster on this device: put in force as the clerks would, and told as the roster wants it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final

from agent.audit import audit
from agent.errors import CommandError
from agent.members import consent as consents
from agent.members.credentials import clear_pin, set_pin
from agent.members.known import enrolled
from agent.members.particulars import set_person
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.pins import Pins
from agent.register import Request
from agent.roster.biometrics import Site, put_faces, put_signatures, told_faces, told_signatures
from agent.roster.bodies import MANAGED, Card, PersonBody, Secret, plain
from agent.seal.sealing import Seal, belonging
from agent.store import credentials
from agent.store.consents import last as last_said
from agent.store.credentials import Card as KeptCard
from agent.store.db import Db
from agent.store.roster import pins_of
from agent.store.sealing import card_key

SECRET_BYTES: Final = 4  # of the fingerprint of the secret that card numbers are hashed with


def put_in_force(db: Db, person: str, body: PersonBody, site: Site, request: Request) -> CommandError | None:
    """Makes a person what the roster says; all that can be, where a part cannot. Inside a transaction.

    What of `MANAGED` the body does not name is for the device itself to keep.

    Args:
        db: the device's, open with the site's key.
        person: their id.
        body: what the roster says.
        site: what this device compares, and whether people have to have agreed.
        request: who has signed it.

    Returns:
        What is wrong with the parts that are not in force; None: all are.

    Raises:
        CommandError: nothing is.
    """
    set_person(db, person, body.changes(), request, create=True)
    wrong = list[CommandError]()
    parts = {
        "consent": _consent,
        "pin": _pin,
        "cards": _cards,
        "templates": put_faces,
        "signatures": put_signatures,
    }
    for part in (part for name, part in parts.items() if name in body.model_fields_set):
        try:
            with db.transaction():
                part(db, person, body, site, request)
        except CommandError as error:
            wrong.append(error)
    return CommandError(wrong[0].code, "; ".join(str(error) for error in wrong)[:2000]) if wrong else None


def told(db: Db, person: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns the body that puts a person of this device into the roster.

    Args:
        db: the device's, open with the site's key.
        person: their id.
        before: the body that the roster has: what is sealed in it stays, where it is the same that is sealed.

    Raises:
        CommandError: there is no such person.
    """
    one = enrolled(db, person)
    said = one.consent
    body: dict[str, Any] = {
        "name": one.name,
        "badge": one.badge,
        "groups": [*one.groups],
        "valid_from": timestamp(one.valid_from) if one.valid_from else None,
        "valid_to": timestamp(one.valid_to) if one.valid_to else None,
        "state": one.state.value,
        "factors": one.factors,
        "extended": one.extended,
        "visitor": one.visitor,
        "notes": one.notes,
        "consent": {"given": said.given, "text": said.text, "at": timestamp(said.at), "by": said.by} if said else None,
        "pin": _told_pin(db, person, (before or {}).get("pin")),
        "cards": [
            Card(digest=card.digest, hint=card.hint, key=_secret(db)).model_dump()
            for card in credentials.cards_of(db, person)
        ],
        "templates": told_faces(db, person),
        "signatures": told_signatures(db, person),
    }
    for name in MANAGED:  # what is no more is said to be none, what never was there is not spoken of
        if not body[name] and not (before and before.get(name)):
            del body[name]
    return plain(PersonBody.model_validate_json(json.dumps(body)))


def _consent(db: Db, person: str, body: PersonBody, _: Site, request: Request) -> None:
    if body.consent is None:
        return
    last = last_said(db, person)
    if body.consent.given and last is not None and not last.given and last.at >= body.consent.at:
        raise CommandError(
            Code.NO_CONSENT, f"{person} has taken the consent back here since: ask again, and publish {person} anew"
        )
    if body.consent.given:
        consents.give(db, person, body.consent.text, request, by=body.consent.by)
    else:
        consents.withdraw(db, person, request, by=body.consent.by)


def _pin(db: Db, person: str, body: PersonBody, _: Site, request: Request) -> None:
    kept = pins_of(db, person)
    if body.pin is None:
        if kept is not None:
            clear_pin(db, person, request)
        return
    pins = _opened(db.seal, person, body.pin)
    if (pins.pin, pins.duress) != kept:
        set_pin(db, person, pins, request)


def _cards(db: Db, person: str, body: PersonBody, _: Site, request: Request) -> None:
    there = {card.digest for card in credentials.cards_of(db, person)}
    wanted = {card.digest: card for card in body.cards}
    if body.cards and any(card.key != _secret(db) for card in body.cards):
        raise CommandError(
            Code.OTHER_SITE_KEY,
            f"the card numbers of {person} were hashed with another secret than this device's: add the cards here",
        )
    new = [card for digest, card in wanted.items() if digest not in there]
    for card in new:
        other = credentials.find_card(db, card.digest)
        if other is not None:
            raise CommandError(Code.CARD_TAKEN, f"a card of {person} is that of {other.person} here")
        credentials.add_card(db, KeptCard(card.digest, person, card.hint, request.at))
    gone = there - wanted.keys()
    if gone:
        credentials.remove_cards(db, gone)
    for action, changed in (("card_added", new), ("card_removed", gone)):
        if changed:
            audit(db, action, person, request, {"cards": len(wanted)})


def _told_pin(db: Db, person: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
    pins = pins_of(db, person)
    if pins is None:
        return None
    if before is not None:
        try:
            kept = _opened(db.seal, person, Secret.model_validate(before))
        except CommandError:  # of another key: sealed anew
            kept = None
        if kept is not None and (kept.pin, kept.duress) == pins:
            return before
    sealed = db.seal.close(json.dumps(pins).encode(), _belongs(person, db.seal))
    return {"key": db.seal.key.id, "sealed": base64.b64encode(sealed).decode()}


def _opened(seal: Seal, person: str, secret: Secret) -> Pins:
    try:
        pin, duress = json.loads(seal.open(base64.b64decode(secret.sealed), _belongs(person, seal)))
    except ValueError:  # a broken seal is one
        raise CommandError(
            Code.OTHER_SITE_KEY, f"the PIN of {person} is sealed with the key {secret.key}, or was changed: set it here"
        ) from None
    return Pins(str(pin), None if duress is None else str(duress))


def _belongs(person: str, seal: Seal) -> bytes:
    return belonging("roster", "pin", person, seal.key.id)


def _secret(db: Db) -> str:
    """Tells the secrets of cards apart, and says nothing of them."""
    return hashlib.sha256(b"latchkey cards 1" + card_key(db)).digest()[:SECRET_BYTES].hex()
