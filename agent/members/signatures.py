"""How people sign: kept with their consent, as faces are, and forgotten with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.audit import audit
from agent.config.people import Privacy
from agent.members import consent as consents
from agent.members.known import enrolled
from agent.store.signatures import forget_signatures, put_signatures
from agent.types import Embedding

if TYPE_CHECKING:
    from agent.register import Request
    from agent.store.db import Db


def put(
    db: Db,
    person: str,
    signatures: Sequence[Embedding],
    request: Request,
    *,
    privacy: Privacy,
    consent: str | None = None,
    consent_by: str | None = None,
) -> dict[str, Any]:
    """Keeps how somebody signs, in place of what was known before.

    Args:
        db: the database.
        person: id; there already.
        signatures: turned by the site's key, at least one.
        request: who asks.
        privacy: whether they have to have agreed.
        consent: the text that the person agrees to with this; None where that is on record.
        consent_by: who took that down; None: who asked.

    Returns:
        `person`, how many `signatures` there are now, and how many were `replaced`.

    Raises:
        CommandError: there is no such person, or no consent.
    """
    with db.transaction():
        enrolled(db, person)
        if consent is not None:
            consents.give(db, person, consent, request, by=consent_by)
        consents.check(db, person, consent, privacy)
        replaced = put_signatures(db, person, signatures, request.at)
        audit(db, "signature_enrolled", person, request, {"signatures": len(signatures), "replaced": replaced})
    return {"person": person, "signatures": len(signatures), "replaced": replaced}


def remove(db: Db, person: str, request: Request) -> dict[str, Any]:
    """Forgets how somebody signs.

    Returns:
        `person`, and how many `signatures` that were.

    Raises:
        CommandError: there is no such person.
    """
    with db.transaction():
        enrolled(db, person)
        removed = forget_signatures(db, person)
        if removed:
            audit(db, "signature_removed", person, request, {"signatures": removed})
    return {"person": person, "signatures": removed}
