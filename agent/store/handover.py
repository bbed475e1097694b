"""Templates on their way between devices of a site: sealed all the way, by the key that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.errors import CommandError, PictureError
from agent.mqtt.message import Code
from agent.seal.sealing import BrokenSealError
from agent.store.db import Db
from agent.store.sealing import STORED, Whose
from agent.store.templates import Shot
from agent.types import Crop, Embedding, Quality
from agent.vision.align import SIZE
from agent.vision.pictures import decode_picture

_UNIT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Parcel:
    """One template, sealed, with what was measured of its shot."""

    vector: bytes
    quality: Quality
    crop: bytes | None = None


def packed(db: Db, person: str, encoder: str) -> list[Parcel]:
    """Return a person's templates of an encoder as they are kept, the oldest first."""
    rows = db.rows(
        "SELECT vector, crop, face_px, sharpness, yaw, exposure, contrast FROM templates"
        " WHERE person = ? AND model = ? AND key = ? ORDER BY id",
        (person, encoder, db.seal.key.id),
    )
    return [Parcel(vector, Quality(*measures), crop) for vector, crop, *measures in rows]


def opened(db: Db, person: str, encoder: str, parcels: Sequence[Parcel], *, keep_crops: bool) -> list[Shot]:
    """Return templates to be enrolled.

    Args:
        db: open with the site's key.
        person: whose they are: they open for nobody else.
        encoder: the id of the encoder that made them.
        parcels: as `packed` made them on another device.
        keep_crops: whether the pictures are wanted.

    Raises:
        CommandError: `damaged`: one does not open, or is no template.
    """
    return [_opened(db, Whose(person, encoder), number, parcel, keep_crops) for number, parcel in enumerate(parcels)]


def _opened(db: Db, whose: Whose, number: int, parcel: Parcel, keep_crops: bool) -> Shot:  # noqa: FBT001 - of the caller
    seal = db.seal
    try:
        stored, picture = whose.open(seal, parcel.vector, parcel.crop if keep_crops else None)
        vector = np.frombuffer(stored, STORED).astype(np.float32)
        crop = None if picture is None else decode_picture(picture)
    except (BrokenSealError, PictureError, ValueError) as error:
        raise CommandError(
            Code.DAMAGED, f"template {number + 1} is not for {whose.person}, or was changed: {error}"
        ) from None
    unlike = crop is not None and crop.shape != (SIZE, SIZE, 3)
    if unlike or not abs(float(np.linalg.norm(vector)) - 1) <= _UNIT:  # true of NaN, too
        raise CommandError(Code.DAMAGED, f"template {number + 1} is no vector of unit length, or of another crop")
    embedding = Embedding(vector, seal.key.model(whose.encoder))
    return embedding, parcel.quality if crop is None else Crop(crop, parcel.quality)
