"""The people of a site as vectors: from a folder of photos, or from the templates of those who are enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.bundle import Bundle
from agent.cli.embedding import largest_central
from agent.cli.opened import database
from agent.cli.output import progress
from agent.cli.pictures import picture_files, read_picture
from agent.errors import CalibrationError, PictureError
from agent.gallery.calibration import thinned
from agent.seal.keyring import site_key
from agent.seal.turning import Turn
from agent.store.templates import load_gallery
from agent.types import Floats
from agent.vision.eyes import Eyes
from agent.vision.photo_files import people_in
from agent.vision.quality import QualityLimits, judge


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """Everybody's vectors, by person."""

    names: tuple[str, ...]
    vectors: Floats  # (N, D) as the encoder makes them
    people: NDArray[np.intp]  # (N,) indices into `names`, ascending
    troubles: tuple[str, ...] = ()

    def most_alike(self, similarity: NDArray[np.float64]) -> list[tuple[float, str, str]]:
        """Two people each, the most alike first, by their similarity (P, P)."""
        one, other = np.triu_indices(len(self.names), 1)
        order = np.argsort(-similarity[one, other], kind="stable")
        return [
            (float(similarity[one[i], other[i]]), self.names[one[i]], self.names[other[i]]) for i in order[:10].tolist()
        ]


def enrolled_album(bundle: Bundle) -> Album:
    """The templates of those who are enrolled.

    Raises:
        CalibrationError: nobody is.
    """
    path = bundle.config.database_path
    if not path.exists():
        raise CalibrationError(f"{path}: nobody is enrolled yet: name a folder with PERSON/photo.jpg")
    key = site_key(bundle.config)
    with database(bundle.config, key=key) as db:
        gallery = load_gallery(db, key.model(bundle.model_id))
    if not gallery.templates:
        raise CalibrationError(
            f"{path}: nobody is enrolled with {bundle.model_id}: name a folder with PERSON/photo.jpg"
        )
    vectors = Turn(key, gallery.vectors.shape[1]).back(gallery.vectors)  # what is learnt is of the encoder, not the key
    return _album(gallery.people, vectors, gallery.owners, ())


def photo_album(bundle: Bundle, folder: Path) -> Album:
    """The largest central faces of the photos in a folder's folders, found, aligned and encoded as at the door.

    Raises:
        PictureError: there are none.
    """
    if not folder.is_dir():
        raise PictureError(f"{folder}: there is no such folder; want PERSON/photo.jpg in it")
    persons = people_in(folder)
    if not persons:
        raise PictureError(f"{folder}: want a folder of photos in it for each person")
    eyes, limits = bundle.eyes(), bundle.limits
    names: list[str] = []
    vectors: list[Floats] = []
    owners: list[int] = []
    troubles: list[str] = []
    for path in progress(persons, total=len(persons), doing="looking at people"):
        try:
            files: Sequence[Path] = picture_files([path])
        except PictureError as error:
            troubles.append(f"{path}: {error}")
            continue
        found = [vector for file in files if (vector := _vector(file, eyes, limits, troubles)) is not None]
        owners += [len(names)] * len(found)
        vectors += found
        names += [path.name] if found else []
    if not vectors:
        raise PictureError(f"{folder}: no photo in it can be used; " + "; ".join(troubles[:3]))
    return _album(names, np.stack(vectors), np.array(owners, np.intp), troubles)


def _vector(file: Path, eyes: Eyes, limits: QualityLimits, troubles: list[str]) -> Floats | None:
    """The vector of a photo; None, and why, where it has none that the door would compare."""
    try:
        image = read_picture(file)
    except PictureError as error:
        troubles.append(f"{file}: {error}")
        return None
    face = largest_central(eyes.faces(image), image)
    if face is None:
        troubles.append(f"{file}: no face")
        return None
    crop = eyes.crop(image, face)
    if rejection := judge(crop.quality, limits):
        troubles.append(f"{file}: {rejection.text}")
        return None
    return eyes.embed(crop).vector


def _album(names: Sequence[str], vectors: Floats, owners: NDArray[np.intp], troubles: Sequence[str]) -> Album:
    kept = thinned(owners)
    return Album(tuple(names), vectors[kept], owners[kept], tuple(troubles))
