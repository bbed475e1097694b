"""Turns an aligned face into a template: a vector of unit length whose cosine to another says how alike they are."""

from __future__ import annotations

import math

import cv2
import numpy as np

from agent.errors import ModelError
from agent.types import Embedding, Floats, Image
from agent.vision.align import SIZE
from agent.vision.model import Model
from agent.vision.pixels import PixelTable, real


class Encoder:
    """The shared branch of the siamese pair.

    Args:
        model: (1, S, S, 3) in, S at most 112, and (1, D) out.
        model_id: from its card; goes into every embedding.
        flip_average: encode the mirrored face too and take the mean: twice the time, a little more accurate.

    Raises:
        ModelError: if the model has other shapes.
    """

    def __init__(self, model: Model, model_id: str, *, flip_average: bool = False) -> None:
        shapes = [spec.shape for spec in model.outputs]
        if len(model.inputs) != 1 or [shape[:1] for shape in shapes] != [(1,)] or len(shapes[0][1:]) != 1:
            raise ModelError(f"not an encoder: want 1 input and one (1, D) output, got {len(model.inputs)}, {shapes}")
        self._table = PixelTable(model.inputs[0])
        width, height = self._table.width, self._table.height
        if width != height or width > SIZE:
            raise ModelError(f"not an encoder: it takes {width}x{height}, not up to {SIZE}x{SIZE}")
        self._model, self._flip = model, flip_average
        self.model_id, self.dimension = model_id, shapes[0][1]

    def __call__(self, crop: Image) -> Embedding:
        """Returns the embedding of a (112, 112, 3) uint8 RGB aligned face."""
        vector = self.vector(crop)
        if self._flip:
            vector = unit(vector + self.vector(np.ascontiguousarray(crop[:, ::-1])))
        return Embedding(vector, self.model_id)

    def vector(self, crop: Image) -> Floats:
        """Returns (D,) float32 of unit length, of the crop as it is: never mirrored."""
        (raw,) = self._model(self._table(shrink(crop, self._table.width)))
        return unit(real(raw, self._model.outputs[0])[0])


def shrink(crop: Image, side: int) -> Image:
    """Returns a (112, 112, 3) crop at the size that a model was trained on, (side, side, 3)."""
    if side == crop.shape[0]:
        return crop
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def unit(vector: Floats) -> Floats:
    """Returns the vector at length 1; a zero vector, which no face makes, as the first axis.

    Raises:
        ModelError: it holds what is no number.
    """
    exact = vector.astype(np.float64)  # in which no square of a float32 overflows or vanishes
    length = float(np.linalg.norm(exact))
    if not math.isfinite(length):
        raise ModelError("the encoder answers with infinite numbers, or none: its file is not usable")
    if length == 0:
        return np.asarray(np.eye(1, len(vector))[0], np.float32)
    unit: Floats = (exact / length).astype(np.float32)
    return unit
