"""How people sign goes from one device of a site to another, sealed by the key that both have."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from agent.errors import CommandError
from agent.members.known import enrolled
from agent.mqtt.message import Code
from agent.signing import Signing, needed
from agent.store.db import Db
from agent.store.signatures import SealedSignature, open_sealed, sealed_signatures
from agent.types import Embedding


def give(db: Db, person: str, signing: Signing | None) -> dict[str, Any]:
    """Returns how a person signs: `person`, `model`, `site_key` (fingerprint) and `vectors`, none where unknown.

    Raises:
        CommandError: nobody has this id, or signatures are not compared here.
    """
    enrolled(db, person)
    key = db.seal.key
    encoder = key.encoder(needed(signing).model)
    kept = [each for each in sealed_signatures(db, person) if (each.model, each.key) == (encoder, key.id)]
    vectors = [base64.b64encode(each.vector).decode() for each in kept]
    return {"person": person, "model": encoder, "site_key": key.id, "vectors": vectors}


def opened(db: Db, person: str, signatures: Sequence[SealedSignature], signing: Signing | None) -> list[Embedding]:
    """Returns signatures of another device, which are seen to be of use here: never those of another encoder.

    Raises:
        CommandError: they are of another encoder or key, or do not open for this person; or none are compared here.
    """
    encodes, key = needed(signing), db.seal.key
    encoder = key.encoder(encodes.model)
    for each in signatures:
        if each.model != encoder:
            raise CommandError(
                Code.OTHER_MODEL,
                f"the signatures of {person} are of {each.model}, and this device compares {encoder}: have {person} "
                "sign here",
            )
        if each.key != key.id:
            raise CommandError(
                Code.OTHER_SITE_KEY,
                f"the signatures of {person} are sealed with the site's key {each.key}, this device has {key.id}: have "
                f"{person} sign here",
            )
    try:
        return [open_sealed(db, person, each, encodes.encode.dimension) for each in signatures]
    except ValueError as error:
        raise CommandError(
            Code.DAMAGED, f"a signature is not for {person}, or was changed: {error}: have {person} sign here"
        ) from None
