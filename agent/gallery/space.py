"""The space in which faces are compared: as the encoder places them, or moved by what a site's own people share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Places vectors: less the mean, times the matrix, at length 1. Without either they stay bit for bit as they are.

    The people of one origin share a part of their vectors, so that strangers among them are more alike than the
    strangers whom the encoder's card was measured on. The part that all share tells nobody apart: it is taken away.
    """

    mean: Floats | None = None  # (D,)
    matrix: Floats | None = None  # (D, D), from the right; only with a mean

    def __call__(self, vectors: Floats) -> Floats:
        """Return `vectors`, (..., D) float32 of unit length, placed: the same shape, unit length."""
        if self.mean is None:
            return vectors
        moved = vectors - self.mean
        if self.matrix is not None:
            moved = moved @ self.matrix
        exact = moved.astype(np.float64)
        length = np.sqrt((exact * exact).sum(axis=-1, keepdims=True))
        # A vector on the mean itself points nowhere, as no face does: it becomes the first axis
        exact[..., :1] += length == 0
        placed: Floats = (exact / np.where(length == 0, 1.0, length)).astype(np.float32)
        return placed

    @property
    def dimension(self) -> int | None:
        """D; None fits every encoder."""
        return None if self.mean is None else len(self.mean)


AS_ENCODED = Space()
