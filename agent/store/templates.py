"""The templates of the people who are enrolled: sealed in the file, open only in memory.

A template that does not open, because somebody has changed the file, is left out and told; the door goes on for
everybody else.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np

from agent.errors import StoreError
from agent.gallery.match import Gallery
from agent.gallery.space import AS_ENCODED, Space
from agent.seal.sealing import BrokenSealError, Seal
from agent.store.db import Db
from agent.store.people import add_person
from agent.store.sealing import STORED, Whose, check_bound, put
from agent.store.times import to_text
from agent.types import Crop, Embedding, Floats, Quality
from agent.vision.pictures import encode_picture

log = logging.getLogger(__name__)

Shot: TypeAlias = tuple[Embedding, Quality | Crop]
"""What a template is made of. With the crop, that is kept too."""

MAX_TEMPLATES = 10
"""Of one person and one model; the oldest give way. More gain little and cost threshold: FPIR grows with each."""
_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What could be read of the templates."""

    gallery: Gallery
    damaged: Mapping[str, int]  # templates that do not open, by person: tampered with, or the disk is failing


def enrol(
    db: Db,
    person: str,
    name: str | None,
    templates: Sequence[Shot],
    at: datetime,
    *,
    replace: bool = False,
) -> None:
    """Add a person with templates, or templates to a person, all or nothing.

    Args:
        db: the database.
        person: their id.
        name: for humans; None keeps the one there is, or takes the id.
        templates: at least one.
        at: now.
        replace: forget the person's templates so far, of every model.
    """
    if not templates:
        raise ValueError(f"{person} cannot be enrolled without a template")
    with db.transaction():
        add_person(db, person, name=name, at=at)
        if replace:
            forget_templates(db, person)
        add_templates(db, person, templates, at)


def add_templates(db: Db, person: str, templates: Sequence[Shot], at: datetime, *, event: str | None = None) -> None:
    """Add templates to a person who is there; the oldest beyond MAX_TEMPLATES of a model are forgotten.

    Args:
        db: the database.
        person: their id.
        templates: turned by the site's key.
        at: now.
        event: id of the event whose shots these are, see `forget_shots`; None for photos that were given.
    """
    rows = [_row(db.seal, person, shot, event, at) for shot in templates]
    with db.transaction() as sql:
        check_bound(db)
        if not sql.execute("SELECT 1 FROM people WHERE id = ?", (person,)).fetchone():
            raise LookupError(f"nobody has the id {person!r}: add the person first")
        sql.executemany(
            "INSERT INTO templates (person, model, key, vector, crop, event, face_px, sharpness, yaw, exposure,"
            " contrast, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        _drop_oldest(db, person, {row[1] for row in rows})


def forget_templates(db: Db, person: str) -> int:
    """Forget a person's templates and crops, of every model, but not the person; return how many that were."""
    return _forget(db, "person = ?", person)


def forget_shots(db: Db, event: str) -> int:
    """Forget the templates that came from the shots of an event ("this was not me"); return how many that were."""
    return _forget(db, "event = ?", event)


def move_templates(db: Db, person: str, to: str) -> int:
    """Make one person's templates those of another who is there; return how many that were.

    They are sealed anew, for a seal holds for its person alone. The oldest beyond MAX_TEMPLATES are forgotten.

    Raises:
        StoreError: one does not open.
    """
    seal, models = db.seal, set[str]()
    with db.transaction():
        check_bound(db)
        rows = db.rows(
            "SELECT id, model, vector, crop FROM templates WHERE person = ? AND key = ?", (person, seal.key.id)
        )
        for number, model, vector, crop in rows:
            try:
                opened = Whose(person, model).open(seal, vector, crop)
            except BrokenSealError as error:
                raise StoreError(f"{db.path}: a template of {person} is {error}: enrol {person} again first") from error
            put(db, seal, number, Whose(to, model), *opened)
            models.add(model)
        _drop_oldest(db, to, models)
    return len(rows)


def load_gallery(db: Db, model: str, space: Space = AS_ENCODED) -> Gallery:
    """Return the people who have templates of `model`, an encoder turned by the site's key, to be compared in `space`.

    Ask `gallery_version` before, so that no change is missed.
    """
    return load_templates(db, model, space).gallery


def load_templates(db: Db, model: str, space: Space = AS_ENCODED) -> Loaded:
    """Return the same, and which templates could not be read.

    Raises:
        StoreError: the database was opened without the site's key, or vectors differ in length.
    """
    seal = db.seal
    owners, vectors, damaged = list[str](), bytearray(), Counter[str]()
    lengths, encoder = set[int](), seal.key.encoder(model)  # None, and so no rows, where it is not turned by this key
    rows = db.each(
        "SELECT person, vector FROM templates WHERE model = ? AND key = ? ORDER BY person, id", (encoder, seal.key.id)
    )
    for person, sealed in rows:
        try:
            vector, _ = Whose(person, str(encoder)).open(seal, sealed)
        except BrokenSealError as error:
            damaged[person] += 1
            log.warning("a template of %s is left out: %s; enrol %s again", person, error, person)
            continue
        owners.append(person)
        lengths.add(len(vector))
        vectors += vector
    if len(lengths) > 1:
        raise StoreError(f"{db.path}: the templates of {model} differ in length: enrol everybody again with --replace")
    return Loaded(_gallery(model, owners, vectors, space), damaged)


def foreign_templates(db: Db, model: str) -> int:
    """Return how many templates are of other models or keys: those are not matched."""
    key = db.seal.key
    asked = "SELECT count(*) FROM templates WHERE NOT (model = coalesce(?, '') AND key = ?)"
    return int(db.rows(asked, (key.encoder(model), key.id))[0][0])


def _gallery(model: str, owners: Sequence[str], vectors: bytearray, space: Space) -> Gallery:
    if not owners:
        return Gallery.empty(model, space)
    people = list(dict.fromkeys(owners))
    index = {person: i for i, person in enumerate(people)}
    matrix = np.frombuffer(vectors, STORED).reshape(len(owners), -1)
    return Gallery.build(model, people, matrix.astype(np.float32, copy=False), [index[who] for who in owners], space)


def _forget(db: Db, which: str, value: str) -> int:
    with db.transaction() as sql:
        forgotten = sql.execute(f"DELETE FROM templates WHERE {which}", (value,)).rowcount  # noqa: S608 - ours
        if forgotten:
            db.wipe_log()
    return forgotten


def _drop_oldest(db: Db, person: str, models: set[str]) -> None:
    forgotten = 0
    for model in models:
        forgotten += db.sql.execute(
            "DELETE FROM templates WHERE id IN (SELECT id FROM templates WHERE person = ? AND model = ?"
            " ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (person, model, MAX_TEMPLATES),
        ).rowcount
    if forgotten:
        db.wipe_log()


def _row(seal: Seal, person: str, shot: Shot, event: str | None, at: datetime) -> tuple[Any, ...]:
    embedding, seen = shot
    vector: Floats = np.asarray(embedding.vector)
    if vector.ndim != 1 or not abs(float(np.linalg.norm(vector)) - 1) <= _UNIT_TOLERANCE:  # true of NaN too
        raise ValueError(f"a template is a vector (D,) of unit length, got the shape {vector.shape}")
    quality, crop = (seen.quality, encode_picture(seen.image)) if isinstance(seen, Crop) else (seen, None)
    measures = (quality.face_px, quality.sharpness, quality.yaw, quality.exposure, quality.contrast)
    if (encoder := seal.key.encoder(embedding.model)) is None:
        raise ValueError(f"a template of {embedding.model} is not turned by the site's key {seal.key.id}")
    sealed = Whose(person, encoder).close(seal, vector.astype(STORED).tobytes(), crop)
    return (person, encoder, seal.key.id, *sealed, event, *map(float, measures), to_text(at))
