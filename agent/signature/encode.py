"""Turns a signature into a vector of unit length: the shared branch of the siamese pair, for what the pen did."""

from __future__ import annotations

import numpy as np

from agent.errors import ModelError
from agent.signature.features import CHANNELS, features
from agent.types import Embedding, Floats
from agent.vision.encode import unit
from agent.vision.model import Model
from agent.vision.pixels import real


class SignatureEncoder:
    """Never turned: the door compares what `agent.seal.turning.TurnedEncoder` makes of it.

    Args:
        model: (1, T, 15) in, (1, D) out.
        model_id: from its card; goes into every embedding.

    Raises:
        ModelError: if the model has other shapes.
    """

    def __init__(self, model: Model, model_id: str) -> None:
        takes, gives = [spec.shape for spec in model.inputs], [spec.shape for spec in model.outputs]
        if len(takes) != 1 or takes[0][::2] != (1, len(CHANNELS)) or len(gives) != 1 or gives[0][:-1] != (1,):
            raise ModelError(
                f"not an encoder of signatures: want (1, T, {len(CHANNELS)}) in and (1, D) out, got {takes}, {gives}"
            )
        self._model, self._length = model, takes[0][1]
        self.model_id, self.dimension = model_id, gives[0][1]

    def __call__(self, trace: Floats) -> Embedding:
        """Returns the embedding of a (points, 5) trajectory, see `agent.signature.trace`."""
        return Embedding(self.vector(features(trace, length=self._length)), self.model_id)

    def vector(self, sequence: Floats) -> Floats:
        """Returns (D,) float32 of unit length, of a (T, 15) sequence as `features` makes it."""
        takes, values = self._model.inputs[0], sequence[None]  # (1, T, 15)
        if takes.scale:
            limits = np.iinfo(takes.dtype)
            values = np.clip(np.rint(values / takes.scale) + takes.zero_point, limits.min, limits.max)
        (raw,) = self._model(np.ascontiguousarray(values, takes.dtype))
        return unit(real(raw, self._model.outputs[0])[0])
