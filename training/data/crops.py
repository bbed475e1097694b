"""From a whole photograph to an aligned face, or to the reason why there is none.

Found and aligned as at the door (`agent.vision.eyes`): training and door see the same.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.types import Face, Image
from agent.vision.align import SIZE, align
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from training.data.errors import PictureRefused

BACKGROUND = 4.0
"""So many times the area of every other face has the one that a photograph is about."""
LEAST_PX = 24.0
"""The shorter side of a face's box, pixels: a crop of 112 made of less has more invented pixels than seen ones."""


class Cropper:
    """Finds the face of a photograph and aligns it. 112x112 is taken for a crop already.

    Args:
        detector: the agent's own.
        aligner: likewise.
        least_px: shorter sides of a face's box than this are refused.
    """

    def __init__(self, detector: Detector, aligner: Aligner, *, least_px: float = LEAST_PX) -> None:
        self._detector, self._aligner, self._least = detector, aligner, least_px

    def __call__(self, picture: Image) -> Image:
        """Returns (112, 112, 3) uint8 RGB.

        Raises:
            PictureRefused: no face, several alike in size, or a small one.
        """
        if picture.shape[:2] == (SIZE, SIZE):
            return picture
        faces = sorted(self._detector(picture), key=_area, reverse=True)
        if not faces:
            raise PictureRefused("no_face", "no face was found: is it upright, and larger than a tenth of the picture?")
        if len(faces) > 1 and _area(faces[0]) < BACKGROUND * _area(faces[1]):
            raise PictureRefused("several_faces", f"{len(faces)} faces, and no telling which is meant: cut it out")
        side = min(faces[0].box.width, faces[0].box.height)
        if side < self._least:
            raise PictureRefused("too_small", f"the face is {side:.0f} px wide, want {self._least:.0f}")
        return np.ascontiguousarray(align(picture, self._aligner(picture, faces[0]).landmarks))


def cropper(detector: Path, aligner: Path) -> Cropper:
    """Returns one with the models of two .tflite files.

    Raises:
        ModelError: a file is missing or is another model.
    """
    from agent.hardware.engines.litert import LiteRtModel

    return Cropper(Detector(LiteRtModel(detector, sha256=None)), Aligner(LiteRtModel(aligner, sha256=None)))


def already_aligned(picture: Image) -> Image:
    """Returns the picture, where all are crops: for whoever has no detector, or aligned them on the same points.

    Raises:
        PictureRefused: it is not 112x112.
    """
    if picture.shape[:2] != (SIZE, SIZE):
        height, width = picture.shape[:2]
        raise PictureRefused("not_aligned", f"{width}x{height}, not an aligned crop of {SIZE}x{SIZE}")
    return picture


def _area(face: Face) -> float:
    return face.box.width * face.box.height
