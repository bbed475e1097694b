"""The templates of the people who are enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from agent.errors import StoreError
from agent.gallery.match import Gallery
from agent.gallery.space import AS_ENCODED, Space
from agent.store.db import Db
from agent.store.people import add_person
from agent.store.times import to_text
from agent.types import Embedding, Quality

MAX_TEMPLATES = 10
"""Of one person and one model; the oldest give way. More gain little and cost threshold: FPIR grows with each."""
_STORED = np.dtype("<f4")
_UNIT_TOLERANCE = 1e-3


def enrol(
    db: Db,
    person: str,
    name: str | None,
    templates: Sequence[tuple[Embedding, Quality]],
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
    with db.transaction() as sql:
        add_person(db, person, name=name, at=at)
        if replace and sql.execute("DELETE FROM templates WHERE person = ?", (person,)).rowcount:
            db.wipe_log()
        add_templates(db, person, templates, at)


def add_templates(db: Db, person: str, templates: Sequence[tuple[Embedding, Quality]], at: datetime) -> None:
    """Add templates to a person who is there; the oldest beyond MAX_TEMPLATES of a model are forgotten."""
    rows = [_row(person, embedding, quality, at) for embedding, quality in templates]
    with db.transaction() as sql:
        if not sql.execute("SELECT 1 FROM people WHERE id = ?", (person,)).fetchone():
            raise LookupError(f"nobody has the id {person!r}: add the person first")
        sql.executemany(
            "INSERT INTO templates (person, model, vector, face_px, sharpness, yaw, exposure, contrast, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        _drop_oldest(db, person, {embedding.model for embedding, _ in templates})


def forget_templates(db: Db, person: str) -> int:
    """Forget a person's templates, of every model, but not the person; return how many that were."""
    return _forget(db, "person = ?", person)


def forget_shots(db: Db, event: str) -> int:
    """Forget the templates that came from the shots of an event ("this was not me"); return how many that were."""
    return _forget(db, "event = ?", event)


def move_templates(db: Db, person: str, to: str) -> int:
    """Make one person's templates those of another who is there; return how many that were.

    The oldest beyond MAX_TEMPLATES are forgotten.
    """
    with db.transaction() as sql:
        moved = sql.execute("UPDATE templates SET person = ? WHERE person = ?", (to, person)).rowcount
        models = sql.execute("SELECT DISTINCT model FROM templates WHERE person = ?", (to,)).fetchall()
        _drop_oldest(db, to, {model for (model,) in models})
    return moved


def load_gallery(db: Db, model: str, space: Space = AS_ENCODED) -> Gallery:
    """Return the people who have templates of `model`, to be compared in `space`.

    Ask `gallery_version` before, so that no change is missed.
    """
    rows = db.rows("SELECT person, vector FROM templates WHERE model = ? ORDER BY person, id", (model,))
    if not rows:
        return Gallery.empty(model, space)
    if len({len(vector) for _, vector in rows}) > 1:
        raise StoreError(f"{db.path}: the templates of {model} differ in length: enrol everybody again with --replace")
    people = list(dict.fromkeys(person for person, _ in rows))
    index = {person: i for i, person in enumerate(people)}
    vectors = np.frombuffer(b"".join(vector for _, vector in rows), _STORED).reshape(len(rows), -1)
    owners = [index[person] for person, _ in rows]
    return Gallery.build(model, people, vectors.astype(np.float32), owners, space)


def foreign_templates(db: Db, model: str) -> int:
    """Return how many templates were made by other models: those are not matched."""
    return int(db.rows("SELECT count(*) FROM templates WHERE model <> ?", (model,))[0][0])


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


def _row(person: str, embedding: Embedding, quality: Quality, at: datetime) -> tuple[Any, ...]:
    vector = np.asarray(embedding.vector)
    if vector.ndim != 1 or not abs(float(np.linalg.norm(vector)) - 1) <= _UNIT_TOLERANCE:  # true of NaN too
        raise ValueError(f"a template is a vector (D,) of unit length, got the shape {vector.shape}")
    measures = (quality.face_px, quality.sharpness, quality.yaw, quality.exposure, quality.contrast)
    return (person, embedding.model, vector.astype(_STORED).tobytes(), *map(float, measures), to_text(at))
