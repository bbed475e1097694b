"""Turns photos of a person into templates, or says which photo would make a bad one and why.

A bad template opens the door for the wrong one or never for the right one, and nobody notices for months. So it is
all or nothing: one photo that is refused refuses them all, and the message lists every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from agent.errors import EnrolmentRefused, PictureError
from agent.gallery.match import Gallery
from agent.types import Crop, Embedding, Image, Quality, Seen
from agent.vision.pictures import decode_picture
from agent.vision.quality import QualityLimits, judge

Look: TypeAlias = Callable[[Image], Sequence[Seen]]
"""Finds the faces of a picture and encodes each."""

# Somebody in the background, or a poster: no wider than this share of the face in front, or than so many pixels
_BACKGROUND_SHARE = 1 / 2
_BACKGROUND_PX = 40.0


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is wrong with one photo."""

    photo: int  # from 0
    code: str  # of EnrolmentRefused
    text: str


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
        self._duplicate_threshold = duplicate_threshold
        self._same_person_threshold = same_person_threshold

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
        found = [self._face(i, photo) for i, photo in enumerate(photos)]
        _refuse([problem for problem in found if isinstance(problem, _Problem)])
        faces = [seen for seen in found if isinstance(seen, Seen)]
        _refuse(self._different_people(faces, gallery))
        _refuse(self._conflicts(faces, person, gallery))
        return [(seen.embedding, seen.crop if self._keep_crops else seen.crop.quality) for seen in faces]

    def _face(self, number: int, photo: bytes | Image) -> Seen | _Problem:
        """The face of a photo, or what is wrong with it."""
        try:
            image = photo if isinstance(photo, np.ndarray) else decode_picture(photo)
        except PictureError as error:
            return _Problem(number, "not_a_picture", str(error))
        faces = sorted(self._look(image), key=lambda seen: seen.crop.quality.face_px, reverse=True)
        if not faces:
            return _Problem(number, "no_face", "no face was found")
        front, others = faces[0], [seen.crop.quality.face_px for seen in faces[1:]]
        if others and others[0] >= max(_BACKGROUND_PX, _BACKGROUND_SHARE * front.crop.quality.face_px):
            sizes = f"{front.crop.quality.face_px:.0f} px and {others[0]:.0f} px"
            return _Problem(number, "two_faces", f"more than one face: {sizes}")
        rejection = judge(front.crop.quality, self._limits)
        return _Problem(number, rejection.code, rejection.text) if rejection else front

    def _different_people(self, faces: Sequence[Seen], gallery: Gallery) -> list[_Problem]:
        """The photos unlike the one that is most like all of them."""
        vectors = gallery.space(np.stack([seen.embedding.vector for seen in faces]))  # (N, D)
        cosines = vectors @ vectors.T  # (N, N)
        middle = int(cosines.sum(axis=1).argmax())
        return [
            _Problem(i, "different_people", f"another person than in photo {middle + 1}: {self._too_little(cosine)}")
            for i, cosine in enumerate(cosines[middle].tolist())
            if cosine < self._same_person_threshold and i != middle
        ]

    def _conflicts(self, faces: Sequence[Seen], person: str, gallery: Gallery) -> Iterator[_Problem]:
        """The photos that are somebody else's, or not those of the one who is enrolled under this name."""
        own = gallery.of(person)
        for i, seen in enumerate(faces):
            vector = seen.embedding.vector
            others = [(name, cosine) for name, cosine in gallery.ranked(vector, 2) if name != person]
            if others and others[0][1] >= self._duplicate_threshold:
                name, cosine = others[0]
                yield _Problem(i, "duplicate_person", f"enrolled already as {name}: similarity {cosine:.3f}")
            elif len(own) and (cosine := float((own @ gallery.space(vector)).max())) < self._same_person_threshold:
                text = f"another person than the {person} enrolled before: {self._too_little(cosine)}"
                yield _Problem(i, "different_people", f"{text}; remove {person} first to begin anew")

    def _too_little(self, cosine: float) -> str:
        return f"similarity {cosine:.3f}, need {self._same_person_threshold:.3f}"


def _refuse(problems: Iterator[_Problem] | Sequence[_Problem]) -> None:
    """Raises the first problem, with the words of all."""
    every = list(problems)
    if every:
        message = "; ".join(f"photo {problem.photo + 1}: {problem.text}" for problem in every)
        raise EnrolmentRefused(every[0].code, message, photo=every[0].photo)
