"""What encoders have made of a person, as the roster carries it: faces and signatures, sealed as devices keep them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from agent.audit import audit
from agent.config.people import Privacy
from agent.errors import CommandError
from agent.members import consent as consents
from agent.mqtt.message import Code
from agent.register import Request
from agent.roster.bodies import KeptSignature, PersonBody, Template
from agent.seal.sealing import Seal
from agent.signing import Signing
from agent.signing_handover import opened
from agent.store.consents import last
from agent.store.db import Db
from agent.store.roster import Sealed, put_sealed, sealed_of
from agent.store.sealing import Whose
from agent.store.signatures import SealedSignature, put_sealed_signatures, sealed_signatures


@dataclass(frozen=True, slots=True)
class Site:
    """What the device puts people in force with."""

    encoder: str  # id of the encoder whose templates are compared here
    privacy: Privacy
    signing: Signing | None = None  # compares signatures here; None: nothing does


def put_faces(db: Db, person: str, body: PersonBody, site: Site, request: Request) -> None:
    """Gives a person the faces that the roster says, of those that are compared here.

    Raises:
        CommandError: none is, one does not open, or the person does not agree.
    """
    ours = [each for each in body.templates if each.model == site.encoder and each.key == db.seal.key.id]
    if body.templates and not ours:
        others = ", ".join(sorted({f"{each.model} under the key {each.key}" for each in body.templates}))
        fits = any(each.model == site.encoder for each in body.templates)
        raise CommandError(
            Code.OTHER_SITE_KEY if fits else Code.OTHER_MODEL,
            f"the templates of {person} are of {others}, and this device compares {site.encoder} under the key "
            f"{db.seal.key.id}: enrol {person} here, or publish {person} from a device like this one",
        )
    if ours:
        _check_agreed(db, person, site)
    new, gone = put_sealed(db, person, [_sealed(db.seal, person, each) for each in ours], request.at)
    if new or gone:
        audit(db, "replaced" if gone else "enrolled", person, request, {"templates": new})


def put_signatures(db: Db, person: str, body: PersonBody, site: Site, request: Request) -> None:
    """Lets a person sign as the roster says.

    Raises:
        CommandError: these are not compared here, one does not open, or the person does not agree.
    """
    sealed = [_sealed_signature(person, each) for each in body.signatures]
    if sealed:
        opened(db, person, sealed, site.signing)
        _check_agreed(db, person, site)
    new, gone = put_sealed_signatures(db, person, sealed)
    if new:
        audit(db, "signature_enrolled", person, request, {"signatures": new, "replaced": gone})
    elif gone:
        audit(db, "signature_removed", person, request, {"signatures": gone})


def told_faces(db: Db, person: str) -> list[dict[str, Any]]:
    """Returns a person's faces, those that were given, as the roster carries them."""
    return [_told_template(each) for each in sealed_of(db, person) if each.key == db.seal.key.id]


def told_signatures(db: Db, person: str) -> list[dict[str, Any]]:
    """Returns how a person signs, as the roster carries it."""
    kept = [each for each in sealed_signatures(db, person) if each.key == db.seal.key.id]
    return [
        KeptSignature(
            model=each.model, key=each.key, vector=base64.b64encode(each.vector).decode(), added_at=each.added_at
        ).model_dump()
        for each in kept
    ]


def _check_agreed(db: Db, person: str, site: Site) -> None:
    said = last(db, person)
    if said is not None and not said.given:
        raise CommandError(Code.NO_CONSENT, f"{person} has taken the consent back: no face and no signature is kept")
    consents.check(db, person, None, site.privacy)


def _sealed(seal: Seal, person: str, template: Template) -> Sealed:
    """A template, which is seen to open here: what would not is never kept."""
    try:
        vector = base64.b64decode(template.vector, validate=True)
        Whose(person, template.model).open(seal, vector)
    except ValueError as error:  # a broken seal is one
        raise CommandError(Code.DAMAGED, f"a template of {person} does not open: {error}") from None
    return Sealed(template.model, template.key, vector, template.measures, template.added_at)


def _sealed_signature(person: str, told: KeptSignature) -> SealedSignature:
    try:
        return SealedSignature(told.model, told.key, base64.b64decode(told.vector, validate=True), told.added_at)
    except ValueError as error:
        raise CommandError(Code.DAMAGED, f"a signature of {person} is no base64: {error}") from None


def _told_template(template: Sealed) -> dict[str, Any]:
    return {
        "model": template.model,
        "key": template.key,
        "vector": base64.b64encode(template.vector).decode(),
        "measures": [*template.measures],
        "added_at": template.added_at,
    }
