"""Lets a new encoder see the pictures that were kept at enrolment, so that nobody has to be met again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.errors import PictureError
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
    each: Callable[[list[KeptCrop]], Iterable[KeptCrop]] = iter,
) -> Reembedded:
    """Makes the templates of other encoders anew from their crops, one by one: what is done stays done.

    Args:
        db: opened with the site's key.
        encode: the new encoder, turned by that key.
        model: the id in its embeddings.
        each: goes over the crops, to show progress.
    """
    done = damaged = 0
    for crop in each([*kept_crops(db, but_model=model)]):
        try:
            picture = decode_picture(crop.picture)
        except PictureError:
            damaged += 1
            continue
        done += renew(db, crop, encode(picture))
    return Reembedded(done, damaged)
