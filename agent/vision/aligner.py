"""Aligns a face that is to be compared once more: a small net looks at its crop and says how far it is misplaced.

A detector says where landmarks are from cells as wide as a nose, of a face of any size. The aligner sees the face
upright, at the size of the crop, and was taught by crops of faces moved by known amounts (`training/aligner`). What it
says depends less on where the detector put the face than the detector's landmarks do, and so two crops of a person are
more alike (figures in training/research/aligner.md).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.types import Face, Floats, Image
from agent.vision.align import TEMPLATE, similarity, warped
from agent.vision.model import Model
from agent.vision.pixels import PixelTable, real

Matrix: TypeAlias = NDArray[np.float64]

MIDDLE = TEMPLATE.mean(0)
"""About which a crop is turned and scaled, pixels."""
WINDOW = (16, 22, 80)
"""Left, top and side of what the net sees of a crop, pixels: all five landmarks with some room, and no more, so that in
training a crop may be moved by as much as detectors are off without showing what lies outside of it."""
UNITS = (4.0, 4.0, 0.1, 0.1)
"""What each of the net's four numbers counts: two shifts in pixels of the crop, the scale's logarithm, radians."""
LOOKS = 2
"""The second one sees the face where the first one put it: what is left of a large error is a small one."""
FARTHEST = 16.0
"""Pixels of the crop: what is to be moved farther stays where it was found. Near faces of the scenes pushed off by 10
come back to 1.1 in the median (a tenth of them to more than 2.1), by 15 to 1.3; by 20 a tenth stays 6 off and more."""
MOST = 10.0
"""Of each of the net's numbers, in `UNITS`: a file that says more is not one of ours."""


class Aligner:
    """Moves a face's landmarks so that its crop lies as those that encoders are trained on. Not for several threads.

    Args:
        model: (1, S, S, 3) in, (1, 4) out.

    Raises:
        ModelError: if the model has other shapes.
    """

    def __init__(self, model: Model) -> None:
        shapes = [spec.shape for spec in model.outputs]
        if len(model.inputs) != 1 or shapes != [(1, len(UNITS))]:
            raise ModelError(
                f"not an aligner: want 1 input and one (1, {len(UNITS)}) output, got {len(model.inputs)}, {shapes}"
            )
        self._model, self._table = model, PixelTable(model.inputs[0])
        if self._table.width != self._table.height:
            raise ModelError(f"not an aligner: it takes {self._table.width}x{self._table.height}, not a square")
        self._window = window(self._table.width)

    def __call__(self, image: Image, face: Face) -> Face:
        """Returns the face with its landmarks moved, turned and scaled together: how they lie to each other stays.

        Args:
            image: (H, W, 3) uint8 RGB, the best there is of it.
            face: in pixels of `image`.

        Raises:
            ModelError: the model answers with what is no number, or none of an aligner's.
        """
        found = whole(similarity(face.landmarks, TEMPLATE))
        if not np.linalg.det(found) > 0:  # all five in one place: no crop
            return face
        better = found
        for _ in range(LOOKS):
            better = whole(placed(self._said(image, better))) @ better
        if apart(better @ np.linalg.inv(found), np.eye(3)) > FARTHEST:
            return face
        moved = np.linalg.inv(better) @ found
        landmarks = face.landmarks @ moved[:2, :2].T + moved[:2, 2]
        return replace(face, landmarks=landmarks.astype(np.float32))

    def _said(self, image: Image, matrix: Matrix) -> Floats:
        side = self._table.width
        seen = warped(image, (self._window @ matrix)[:2].astype(np.float32), (side, side))
        (raw,) = self._model(self._table(seen))
        said: Floats = real(raw, self._model.outputs[0])[0]
        if not (np.abs(said) <= MOST).all():  # nor what is no number
            raise ModelError(f"the aligner answers with numbers beyond {MOST:.0f}, or none: its file is not usable")
        return said


def placed(numbers: Floats) -> Matrix:
    """Returns the (2, 3) matrix by which a crop's pixels move to where they should be, of the net's four numbers."""
    right, down, zoom, angle = np.asarray(numbers, np.float64) * UNITS
    cos, sin = np.exp(zoom) * np.cos(angle), np.exp(zoom) * np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = MIDDLE + np.array([right, down]) - turn @ MIDDLE
    return np.column_stack([turn, shift])


def window(side: int) -> Matrix:
    """Returns the (3, 3) matrix from pixels of a crop to those of what the net sees of it, `side` wide."""
    left, top, width = WINDOW
    scale = side / width  # numbers name the middles of pixels
    return np.array([[scale, 0, (0.5 - left) * scale - 0.5], [0, scale, (0.5 - top) * scale - 0.5], [0, 0, 1]])


def whole(matrix: NDArray[Any]) -> Matrix:
    """Returns a (2, 3) matrix as (3, 3), which can be multiplied and inverted."""
    return np.vstack([np.asarray(matrix, np.float64), (0.0, 0.0, 1.0)])


def apart(one: Matrix, other: Matrix) -> float:
    """Returns how far the template's points lie apart under two (3, 3) matrices, their mean in pixels of the crop."""
    there, here = (TEMPLATE @ each[:2, :2].T + each[:2, 2] for each in (one, other))
    return float(np.linalg.norm(there - here, axis=1).mean())
