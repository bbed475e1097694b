"""A person of the roster on this device: put in force as the clerks would, and told as the roster wants it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from agent.audit import audit
from agent.config.people import Privacy
from agent.errors import CommandError
from agent.members import consent as consents
from agent.members.credentials import clear_pin, set_pin
from agent.members.known import enrolled
from agent.members.particulars import set_person
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.pins import Pins
from agent.register import Request
from agent.roster.bodies import MANAGED, Card, PersonBody, Secret, Template, plain
from agent.seal.sealing import Seal, belonging
from agent.store import credentials
from agent.store.consents import Consent
from agent.store.consents import of_person as said_by
from agent.store.credentials import Card as KeptCard
from agent.store.db import Db
from agent.store.roster import Sealed, pins_of, put_sealed, sealed_of
from agent.store.sealing import Whose, card_key

SECRET_BYTES: Final = 4  # of the fingerprint of the secret that card numbers are hashed with


@dataclass(frozen=True, slots=True)
class Site:
    """What the device puts people in force with."""

    encoder: str  # id of the encoder whose templates are compared here
    privacy: Privacy


def put_in_force(db: Db, person: str, body: PersonBody, site: Site, request: Request) -> CommandError | None:
    """Makes a person what the roster says; all that can be, where a part cannot. Inside a transaction.

    PIN, cards and templates that the body does not name are for the device itself to keep.

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
    parts = {"consent": _consent, "pin": _pin, "cards": _cards, "templates": _faces}
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
        "templates": [_told_template(each) for each in sealed_of(db, person) if each.key == db.seal.key.id],
    }
    for name in MANAGED:  # what is no more is said to be none, what never was there is not spoken of
        if not body[name] and not (before and before.get(name)):
            del body[name]
    return plain(PersonBody.model_validate_json(json.dumps(body)))


def _consent(db: Db, person: str, body: PersonBody, _: Site, request: Request) -> None:
    if body.consent is None:
        return
    last = _last_said(db, person)
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


def _faces(db: Db, person: str, body: PersonBody, site: Site, request: Request) -> None:
    ours = [each for each in body.templates if each.model == site.encoder and each.key == db.seal.key.id]
    if body.templates and not ours:
        others = ", ".join(sorted({f"{each.model} under the key {each.key}" for each in body.templates}))
        fits = any(each.model == site.encoder for each in body.templates)
        raise CommandError(
            Code.OTHER_SITE_KEY if fits else Code.OTHER_MODEL,
            f"the templates of {person} are of {others}, and this device compares {site.encoder} under the key "
            f"{db.seal.key.id}: enrol {person} here, or publish {person} from a device like this one",
        )
    last = _last_said(db, person)
    if ours and last is not None and not last.given:
        raise CommandError(Code.NO_CONSENT, f"{person} has taken the consent back: no face is kept")
    if ours:
        consents.check(db, person, None, site.privacy)
    new, gone = put_sealed(db, person, [_sealed(db.seal, person, each) for each in ours], request.at)
    if new or gone:
        audit(db, "replaced" if gone else "enrolled", person, request, {"templates": new})


def _last_said(db: Db, person: str) -> Consent | None:
    said = said_by(db, person)
    return said[-1] if said else None


def _sealed(seal: Seal, person: str, template: Template) -> Sealed:
    """A template, which is seen to open here: what would not is never kept."""
    try:
        vector = base64.b64decode(template.vector, validate=True)
        Whose(person, template.model).open(seal, vector)
    except ValueError as error:  # a broken seal is one
        raise CommandError(Code.DAMAGED, f"a template of {person} does not open: {error}") from None
    return Sealed(template.model, template.key, vector, template.measures, template.added_at)


def _told_template(template: Sealed) -> dict[str, Any]:
    return {
        "model": template.model,
        "key": template.key,
        "vector": base64.b64encode(template.vector).decode(),
        "measures": [*template.measures],
        "added_at": template.added_at,
    }


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
