"""Turns photos of a person into templates, or says which photo would make a bad one and why.

A bad template opens the door for the wrong one or never for the right one, and nobody notices for months. So it is
all or nothing: one photo that is refused refuses them all, and the message lists every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from agent.errors import EnrolmentRefused, PictureError
from agent.gallery.likeness import Likeness, Problem, refuse
from agent.gallery.match import Gallery
from agent.types import Crop, Embedding, Image, Quality, Seen
from agent.vision.pictures import decode_picture
from agent.vision.quality import QualityLimits, judge

Look: TypeAlias = Callable[[Image], Sequence[Seen]]
"""Finds the faces of a picture and encodes each."""

# Somebody in the background, or a poster: no wider than this share of the face in front, or than so many pixels
_BACKGROUND_SHARE = 1 / 2
_BACKGROUND_PX = 40.0


class Enroller:
    """Makes templates.

    Args:
        look: detects, aligns and encodes.
        limits: what a photo must have.
        duplicate_threshold: cosine; as similar as this to somebody else is somebody else.
        same_person_threshold: cosine; less similar than this to each other are different people.
        keep_crops: give the crop of each template with it, rather than only its quality.
    """

    def __init__(
        self,
        look: Look,
        limits: QualityLimits,
        *,
        duplicate_threshold: float,
        same_person_threshold: float,
        keep_crops: bool = False,
    ) -> None:
        self._look = look
        self._keep_crops = keep_crops
        self._limits = limits
        self.likeness = Likeness(duplicate_threshold, same_person_threshold)

    def templates(
        self, photos: Sequence[bytes | Image], person: str, gallery: Gallery
    ) -> list[tuple[Embedding, Quality | Crop]]:
        """One template for each of `photos`, which are encoded pictures or (H, W, 3) uint8 RGB.

        Args:
            photos: of one person.
            person: whose they are said to be; may be enrolled already.
            gallery: everybody who is enrolled.

        Raises:
            EnrolmentRefused: with the code and the number of the first photo that is wrong.
        """
        if not photos:
            raise EnrolmentRefused("no_photos", "no photos were given")
        found = [self.face(i, photo) for i, photo in enumerate(photos)]
        refuse([problem for problem in found if isinstance(problem, Problem)])
        return self.kept([seen for seen in found if isinstance(seen, Seen)], person, gallery)

    def kept(self, faces: Sequence[Seen], person: str, gallery: Gallery) -> list[tuple[Embedding, Quality | Crop]]:
        """Returns the templates of faces that are good enough each.

        Raises:
            EnrolmentRefused: they are not of one person, or of another.
        """
        self.likeness.check([seen.embedding.vector for seen in faces], person, gallery)
        return [(seen.embedding, seen.crop if self._keep_crops else seen.crop.quality) for seen in faces]

    def face(self, number: int, photo: bytes | Image) -> Seen | Problem:
        """Returns the face of a photo, or what is wrong with it."""
        try:
            image = photo if isinstance(photo, np.ndarray) else decode_picture(photo)
        except PictureError as error:
            return Problem(number, "not_a_picture", str(error))
        faces = sorted(self._look(image), key=lambda seen: seen.crop.quality.face_px, reverse=True)
        if not faces:
            return Problem(number, "no_face", "no face was found")
        front, others = faces[0], [seen.crop.quality.face_px for seen in faces[1:]]
        if others and crowded(front.crop.quality.face_px, others[0]):
            sizes = f"{front.crop.quality.face_px:.0f} px and {others[0]:.0f} px"
            return Problem(number, "two_faces", f"more than one face: {sizes}")
        rejection = judge(front.crop.quality, self._limits)
        return Problem(number, rejection.code, rejection.text) if rejection else front


def crowded(front_px: float, other_px: float) -> bool:
    """Whether another face is too near to the one in front to be somebody in the background, or a poster."""
    return other_px >= max(_BACKGROUND_PX, _BACKGROUND_SHARE * front_px)
