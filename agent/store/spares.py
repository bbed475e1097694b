"""The vectors of encoders that are not in force: the next one's, until it is; the last one's, to go back to.

They stand beside the templates that were made from the same crops, sealed for the same person, and go with them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from agent.seal.sealing import BrokenSealError
from agent.store.crops import KeptCrop
from agent.store.db import Db
from agent.store.sealing import STORED, Whose, check_bound, put
from agent.types import Embedding

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swapped:
    """What was done."""

    templates: int  # that are of the encoder now
    people: int  # whose
    left: int  # that stay of another, with no crop to make them anew from


def wanting(db: Db, encoder: str) -> list[tuple[int, str]]:
    """Return the templates that an encoder has not seen the crop of, with their persons, in order."""
    key = db.seal.key.id
    return db.rows(
        "SELECT id, person FROM templates WHERE crop IS NOT NULL AND key = ? AND model <> ? AND NOT EXISTS"
        " (SELECT 1 FROM spares WHERE template = id AND encoder = ? AND key = ?) ORDER BY person, id",
        (key, encoder, encoder, key),
    )


def without_crops(db: Db, encoder: str) -> list[str]:
    """Return who would be unknown under an encoder: people with templates, and none it has or could make."""
    rows = db.rows(
        "SELECT person FROM templates GROUP BY person HAVING"
        " max(crop IS NOT NULL OR model = ? OR id IN (SELECT template FROM spares WHERE encoder = ?)) = 0"
        " ORDER BY person",
        (encoder, encoder),
    )
    return [person for (person,) in rows]


def crops_of(db: Db, numbers: list[int]) -> Iterator[KeptCrop]:
    """Yield the crops of templates; those that are gone or do not open are passed over, and told."""
    for number in numbers:
        for person, model, vector, crop in db.rows(
            "SELECT person, model, vector, crop FROM templates WHERE id = ? AND crop IS NOT NULL", (number,)
        ):
            try:
                _, picture = Whose(person, model).open(db.seal, vector, crop)
            except BrokenSealError as error:
                log.warning("a crop of %s is passed over: %s", person, error)
                continue
            yield KeptCrop(number, person, model, picture or b"")


def add(db: Db, made: list[tuple[KeptCrop, Embedding]]) -> int:
    """Keep what an encoder makes of crops; return how many, without those that are gone or another's by now."""
    done = 0
    with db.transaction() as sql:
        check_bound(db)
        for crop, embedding in made:
            encoder = db.seal.key.encoder(embedding.model)
            if encoder is None:
                raise ValueError(f"a template of {embedding.model} is not turned by the site's key {db.seal.key.id}")
            now = sql.execute("SELECT person, model FROM templates WHERE id = ?", (crop.template,)).fetchone()
            if now == (crop.person, crop.encoder):
                sealed, _ = Whose(crop.person, encoder).close(db.seal, embedding.vector.astype(STORED).tobytes())
                sql.execute(
                    "INSERT OR REPLACE INTO spares VALUES (?, ?, ?, ?)",
                    (crop.template, encoder, db.seal.key.id, sealed),
                )
                done += 1
    return done


def swap(db: Db, encoder: str) -> Swapped:
    """Let templates be what an encoder has made of their crops, and keep what they were as spares. In a transaction.

    A spare that does not open, as one made before its person was merged into another, is dropped: see `wanting`.
    """
    check_bound(db)
    key = db.seal.key.id
    numbers = db.rows(
        "SELECT template FROM spares JOIN templates ON id = template"
        " WHERE encoder = ? AND spares.key = ? AND templates.key = ? AND model <> ? ORDER BY template",
        (encoder, key, key, encoder),
    )
    people = {person for (number,) in numbers if (person := _swap_one(db, number, encoder)) is not None}
    done, left = db.rows(
        "SELECT coalesce(sum(model = ?), 0), coalesce(sum(model <> ?), 0) FROM templates", (encoder,) * 2
    )[0]
    db.wipe_log()
    return Swapped(done, len(people), left)


def forget_but(db: Db, *encoders: str) -> int:
    """Drop the spares of all other encoders; return how many that were."""
    among = ", ".join("?" * len(encoders))
    with db.transaction() as sql:
        return sql.execute(f"DELETE FROM spares WHERE encoder NOT IN ({among})", encoders).rowcount  # noqa: S608 - ours


def _swap_one(db: Db, number: int, encoder: str) -> str | None:
    """Whose template it was, where it could be done."""
    person, old, vector, crop = db.rows("SELECT person, model, vector, crop FROM templates WHERE id = ?", (number,))[0]
    spare = db.rows("SELECT vector FROM spares WHERE template = ? AND encoder = ?", (number, encoder))[0][0]
    db.sql.execute("DELETE FROM spares WHERE template = ? AND encoder = ?", (number, encoder))
    try:
        was, picture = Whose(person, old).open(db.seal, vector, crop)
        new, _ = Whose(person, encoder).open(db.seal, spare)
    except BrokenSealError as error:
        log.warning("a template of %s is not swapped: %s", person, error)
        return None
    db.sql.execute(
        "INSERT OR REPLACE INTO spares VALUES (?, ?, ?, ?)",
        (number, old, db.seal.key.id, Whose(person, old).close(db.seal, was)[0]),
    )
    put(db, db.seal, number, Whose(person, encoder), new, picture)
    return str(person)


def crop_less(db: Db) -> int:
    """Return how many people have templates, and no picture that another encoder could see."""
    return int(
        db.rows("SELECT count(*) FROM (SELECT 1 FROM templates GROUP BY person HAVING max(crop IS NOT NULL) = 0)")[0][0]
    )
