"""Lets a new encoder see the pictures that were kept at enrolment, so that nobody has to be met again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from agent.audit import audit
from agent.errors import PictureError
from agent.register import Request
from agent.store.crops import KeptCrop, kept_crops, renew
from agent.store.db import Db
from agent.types import Embedding, Image
from agent.vision.pictures import decode_picture


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was done."""

    templates: int  # that are of the new encoder now
    damaged: int  # crops that are no pictures; their templates stay as they are


def reembed(
    db: Db,
    encode: Callable[[Image], Embedding],
    model: str,
    request: Request,
    each: Callable[[list[KeptCrop]], Iterable[KeptCrop]] = iter,
) -> Reembedded:
    """Makes the templates of other encoders anew from their crops, person by person: what is done stays done.

    Args:
        db: opened with the site's key.
        encode: the new encoder, turned by that key.
        model: the id in its embeddings.
        request: who asks.
        each: goes over the crops, to show progress.
    """
    done = damaged = 0
    for person, crops in groupby(each([*kept_crops(db, but_model=model)]), key=lambda crop: crop.person):
        seen: list[tuple[KeptCrop, Embedding]] = []
        for crop in crops:
            try:
                seen.append((crop, encode(decode_picture(crop.picture))))
            except PictureError:
                damaged += 1
        with db.transaction():
            renewed = sum(renew(db, crop, embedding) for crop, embedding in seen)
            if renewed:
                audit(db, "reembedded", person, request, {"templates": renewed})
        done += renewed
    return Reembedded(done, damaged)
