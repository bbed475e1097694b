"""What is known of each template beside its numbers: how good the picture was, when it came, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.store.crops import KeptCrop, kept_crops
from agent.store.db import Db
from agent.store.times import from_text
from agent.types import Quality


@dataclass(frozen=True, slots=True)
class Shot:
    """A template, without its vector."""

    id: int
    model: str  # id of the encoder
    added_at: datetime
    event: str | None  # whose shot it is; None: a photo that was given, or the camera at enrolment
    crop: bool  # whether its picture is kept
    quality: Quality


def shots_of(db: Db, person: str) -> list[Shot]:
    """Return the templates of a person, the newest first."""
    query = (
        "SELECT id, model, added_at, event, crop IS NOT NULL, face_px, sharpness, yaw, exposure, contrast"
        " FROM templates WHERE person = ? ORDER BY id DESC"
    )
    return [
        Shot(id_, model, from_text(at), event, bool(crop), Quality(*measures))
        for id_, model, at, event, crop, *measures in db.rows(query, (person,))
    ]


def crop_of(db: Db, person: str, template: int) -> KeptCrop | None:
    """Return the picture of one template of a person; None where it is not kept, or does not open."""
    return next((crop for crop in kept_crops(db, person=person) if crop.template == template), None)
