"""What the aligner learns from: aligned crops, moved by a known amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.vision.align import SIZE, TEMPLATE, similarity, warped
from agent.vision.aligner import UNITS, WINDOW, placed, whole, window
from training.compose import SWAP
from training.data.augment import NOTHING, Augmentation, augment
from training.data.errors import DataError

OFTEN = ((0.5, 0.5), (1.0, 0.35), (2.2, 0.15))
"""How many standard deviations, and how often: most errors of a detector are small, and what a look leaves smaller."""
MOVING = frozenset({"turn_degrees", "zoom", "shift_px"})
"""Of [augment]: here they would be unknown to what is taught."""
SMALLER = 0.8
"""By how much an error is made smaller, again and again, until what is seen lies within the crop."""

_CORNERS = (np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (WINDOW[2] - 1) + WINDOW[:2]).astype(np.float64)
_FLIP = np.array([[-1.0, 0.0, SIZE - 1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
_MIRROR = whole(similarity((TEMPLATE * (-1, 1) + (SIZE - 1, 0))[SWAP], TEMPLATE)) @ _FLIP
"""From a crop to its mirror image, which lies on the template: that is not quite even."""


class Misplacer:
    """Makes training pictures of aligned crops.

    Args:
        crops: (112, 112, 3) uint8 RGB each.
        side: of the pictures to be made, pixels.
        spread: standard deviations of the four numbers, in `UNITS`.
        how: what befalls a picture besides; it is not moved by that.
    """

    def __init__(
        self, crops: Sequence[NDArray[Any]], side: int, spread: NDArray[np.float64], how: Augmentation
    ) -> None:
        self._crops, self._side, self._spread = crops, side, spread
        self._mirror = how.mirror
        still = {name: getattr(NOTHING, name) for name in ("mirror", *MOVING)}
        self._how = replace(how, **still)

    def draw(self, row: int, random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Returns a (side, side, 3) picture of a crop and the (4,) numbers that say how it is misplaced.

        Raises:
            DataError: the crop is of another size: no aligned face.
        """
        crop = np.asarray(self._crops[row])
        if crop.shape != (SIZE, SIZE, 3):
            raise DataError(f"a crop is of shape {crop.shape}: want aligned faces of {(SIZE, SIZE, 3)}")
        mirrored = _MIRROR if random.random() < self._mirror else np.eye(3)
        numbers = self._numbers(random, mirrored)
        seen = augment(np.ascontiguousarray(crop), SIZE, random, self._how)
        matrix = window(self._side) @ np.linalg.inv(whole(placed(numbers))) @ mirrored
        return warped(seen, matrix[:2].astype(np.float32), (self._side, self._side)), numbers

    def _numbers(self, random: np.random.Generator, mirrored: NDArray[np.float64]) -> NDArray[np.float32]:
        widths, chances = zip(*OFTEN, strict=True)
        numbers: NDArray[np.float64] = random.normal(0, self._spread) * random.choice(widths, p=chances)
        while not _within(numbers, mirrored):
            numbers = numbers * SMALLER
        return numbers.astype(np.float32)


def _within(numbers: NDArray[np.float64], mirrored: NDArray[np.float64]) -> bool:
    """Returns whether all that is seen of a crop misplaced so lies within the crop, or its mirror image."""
    matrix = np.linalg.inv(mirrored) @ whole(placed(numbers.astype(np.float32)))
    corners = _CORNERS @ matrix[:, :2].T + matrix[:, 2]
    return bool(corners.min() >= 0 and corners.max() <= SIZE - 1)


def left(said: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the (3, 3) matrix by which a crop that was put right is still off: from its pixels to where they belong.

    Args:
        said: (4,) in `UNITS`.
        true: (4,) likewise.
    """
    return np.asarray(whole(placed(true)) @ np.linalg.inv(whole(placed(said))), np.float64)


def spread(shift_px: float, zoom: float, turn_degrees: float) -> NDArray[np.float64]:
    """Returns standard deviations in `UNITS`: of pixels of the crop, of the scale's logarithm, of degrees."""
    return np.array([shift_px, shift_px, zoom, np.radians(turn_degrees)]) / UNITS
