"""Turns an aligned face into a template: a vector of unit length whose cosine to another says how alike they are."""

from __future__ import annotations

import numpy as np

from agent.errors import ModelError
from agent.types import Embedding, Image
from agent.vision.align import SIZE
from agent.vision.model import Model
from agent.vision.pixels import PixelTable, real


class Encoder:
    """The shared branch of the siamese pair.

    Args:
        model: (1, 112, 112, 3) in, (1, D) out.
        model_id: from its card; goes into every embedding.
        flip_average: encode the mirrored face too and take the mean: twice the time, a little more accurate.

    Raises:
        ModelError: if the model has other shapes.
    """

    def __init__(self, model: Model, model_id: str, *, flip_average: bool = False) -> None:
        self._table = PixelTable(model.inputs[0])
        if (self._table.height, self._table.width) != (SIZE, SIZE):
            raise ModelError(f"not an encoder: it takes {self._table.width}x{self._table.height}, not {SIZE}x{SIZE}")
        if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
            raise ModelError(f"not an encoder: want one (1, D) output, got {[s.shape for s in model.outputs]}")
        self._model, self._flip = model, flip_average
        self.model_id, self.dimension = model_id, model.outputs[0].shape[1]

    def __call__(self, crop: Image) -> Embedding:
        """Returns the embedding of a (112, 112, 3) uint8 RGB aligned face."""
        vector = self._vector(crop)
        if self._flip:
            vector = _unit(vector + self._vector(np.ascontiguousarray(crop[:, ::-1])))
        return Embedding(vector, self.model_id)

    def _vector(self, crop: Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        (raw,) = self._model(self._table(crop))
        return _unit(real(raw, self._model.outputs[0])[0])


def _unit(
    vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Returns the vector at length 1; a zero vector, which no face makes, as the first axis."""
    length = float(np.linalg.norm(vector))
    if length == 0:
        vector = np.eye(1, len(vector), dtype=np.float32)[0]
        length = 1.0
    return (vector / np.float32(length)).astype(np.float32)
