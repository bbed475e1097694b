"""Pictures as a model wants them: the one place where pixels become a network's numbers, in training as at the door."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.types import Image
from agent.vision.model import TensorSpec

HALF = 127.5
"""A pixel p is the number (p - 127.5) / 127.5, in -1..1."""
HALF_STEP = 0.501
"""As far as a rounded number may be from the exact one, in steps of the model's own; a little more, for its scale."""


class PixelTable:
    """Turns uint8 pixels into a model's input by one look-up per pixel.

    Not even that where the model's numbers are the pixels less 128, to within half a step, as in models of ours:
    turning the highest bit over makes them, in a tenth of the time.

    Raises:
        ModelError: if the input is neither int8, uint8 nor float32, or not one RGB picture.
    """

    def __init__(self, spec: TensorSpec) -> None:
        if (spec.shape[:1], spec.shape[3:]) != ((1,), (3,)):
            raise ModelError(f"the model wants an input of shape {spec.shape}, not one RGB picture (1, H, W, 3)")
        numbers = exact = (np.arange(256) - HALF) / HALF
        if spec.dtype != np.float32:
            if spec.dtype not in (np.int8, np.uint8) or not spec.scale:
                raise ModelError(f"the model wants pixels as {spec.dtype}: int8, uint8 and float32 are possible")
            kind = np.iinfo(spec.dtype)
            exact = numbers / spec.scale + spec.zero_point
            numbers = np.clip(np.rint(exact), kind.min, kind.max)
        self._table = numbers.astype(spec.dtype)
        self._turn_bit = bool(spec.dtype == np.int8 and np.all(np.abs(exact - (np.arange(256) - 128)) < HALF_STEP))
        self.height, self.width = spec.shape[1], spec.shape[2]

    def __call__(self, image: Image) -> NDArray[Any]:
        """Returns (1, H, W, 3) in the model's own type, of (H, W, 3) uint8."""
        if self._turn_bit:
            return (image ^ np.uint8(128)).view(np.int8)[None]
        return np.asarray(cv2.LUT(image, self._table))[None]


def real(raw: NDArray[Any], spec: TensorSpec) -> NDArray[np.float32]:
    """Returns what a raw output tensor stands for, float32 of the same shape."""
    if not spec.scale:
        return raw.astype(np.float32)
    return (raw.astype(np.float32) - spec.zero_point) * np.float32(spec.scale)
