"""The space in which faces are compared: as the encoder places them, or moved by what a site's own people share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from agent.gallery.anchors import Anchors
from agent.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Places vectors: less the mean, times the matrix, at length 1. Without either they stay bit for bit as they are.

    The people of one origin share a part of their vectors, so that strangers among them are more alike than the
    strangers whom the encoder's card was measured on. The part that all share tells nobody apart: it is taken away.
    Anchors add a number: how common a face is (`agent.gallery.anchors`).
    """

    mean: Floats | None = None  # (D,)
    matrix: Floats | None = None  # (D, D), from the right; only with a mean
    anchors: Anchors | None = None  # moved as all vectors are

    def __call__(self, vectors: Floats) -> Floats:
        """Return `vectors`, (..., D) float32 of unit length, placed: unit length, (..., D), or D + 1 with anchors."""
        moved = self._moved(vectors)
        return moved if self.anchors is None else self.anchors.lifted(moved)

    def _moved(self, vectors: Floats) -> Floats:
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

    def normalised(self, anchors: Anchors | None) -> Self:
        """Return the same space with anchors, which come as the encoder places them; None leaves it as it is."""
        if anchors is None:
            return self
        moved = anchors.at(self._moved(anchors.vectors.astype(np.float32)).astype(np.float64))
        return replace(self, anchors=moved)

    @property
    def dimension(self) -> int | None:
        """D, of what it takes; None fits every encoder."""
        if self.mean is not None:
            return len(self.mean)
        return None if self.anchors is None else self.anchors.vectors.shape[1]

    def takes(self, placed: int) -> int:
        """Return how many numbers a vector has before it is placed in `placed`."""
        return placed if self.anchors is None else placed - 1


AS_ENCODED = Space()
