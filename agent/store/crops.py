"""The pictures that templates were made from, where they are kept: sealed, and there for a new encoder to see.

Aligned faces of 112 x 112 pixels, as JPEG.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from agent.seal.sealing import BrokenSealError
from agent.store.db import Db
from agent.store.sealing import STORED, Whose, check_bound, put
from agent.types import Embedding

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptCrop:
    """A crop that opens, and the template it belongs to."""

    template: int
    person: str
    encoder: str  # id, of the template
    picture: bytes  # JPEG


def kept_crops(db: Db, *, person: str | None = None, but_model: str | None = None) -> Iterator[KeptCrop]:
    """Yield the crops kept, in order; those that do not open are told and passed over.

    Args:
        db: opened with the site's key.
        person: whose; None is everybody.
        but_model: pass over those whose template is of this model, an encoder turned by the site's key, already.
    """
    key = db.seal.key
    numbers = db.rows(
        "SELECT id FROM templates WHERE crop IS NOT NULL AND key = ? AND person = coalesce(?, person)"
        " AND model <> coalesce(?, '') ORDER BY person, id",
        (key.id, person, None if but_model is None else key.encoder(but_model)),
    )
    for (number,) in numbers:
        for owner, encoder, vector, crop in db.rows(
            "SELECT person, model, vector, crop FROM templates WHERE id = ? AND crop IS NOT NULL", (number,)
        ):
            try:
                _, picture = Whose(owner, encoder).open(db.seal, vector, crop)
            except BrokenSealError as error:
                log.warning("a crop of %s is passed over: %s", owner, error)
                continue
            yield KeptCrop(number, owner, encoder, picture or b"")


def count_crops(db: Db) -> int:
    """Return how many crops are kept."""
    return int(db.rows("SELECT count(*) FROM templates WHERE crop IS NOT NULL")[0][0])


def renew(db: Db, crop: KeptCrop, embedding: Embedding) -> bool:
    """Let a template be what another encoder makes of its crop; false where it is gone or somebody else's by now."""
    if (encoder := db.seal.key.encoder(embedding.model)) is None:
        raise ValueError(f"a template of {embedding.model} is not turned by the site's key {db.seal.key.id}")
    with db.transaction() as sql:
        check_bound(db)
        now = sql.execute("SELECT person, model FROM templates WHERE id = ?", (crop.template,)).fetchone()
        if now != (crop.person, crop.encoder):
            return False
        whose = Whose(crop.person, encoder)
        put(db, db.seal, crop.template, whose, embedding.vector.astype(STORED).tobytes(), crop.picture)
        db.wipe_log()
    return True


def forget_crops(db: Db) -> int:
    """Forget all pictures that were kept, but not the templates; return how many that were."""
    with db.transaction() as sql:
        crops = sql.execute("UPDATE templates SET crop = NULL WHERE crop IS NOT NULL").rowcount
        if crops:
            db.wipe_log()
    return crops
