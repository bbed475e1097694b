"""A first pass over many unit vectors that reads two thirds of the memory of float32, with a proven error.

Exact search is bound by memory: 50,000 x 256 float32 are 51 MB. numpy has no fast int8 product, and a bound from the
leading principal axes prunes nothing, since embeddings fill their space almost evenly (128 of 256 axes hold 60 to 80 %
of the energy of the encoders we measured). So three integer codes share one float64, and BLAS multiplies all three.
"""

from __future__ import annotations

import math

import numpy as np

from agent.types import Floats

NORM_TOLERANCE = 1e-3
"""How far from 1 the length of a "unit" vector may be."""
_RADIX = 2.0**18
_LANES = 3
_ROUNDING = 1e-6  # of float32, where the errors themselves are measured
_CODE_NORM = 362.0
# The code of a vector t is T = rint(S t). By Cauchy-Schwarz |T.Q| <= |T| |Q| <= 362^2 < 2^17 = _RADIX / 2, and over any
# subset of the axes too. So every partial sum of (a R^2 + b R + c).Q = R^2 a.Q + R b.Q + c.Q stays below
# 362^2 (2^36 + 2^18 + 1) < 2^53: in float64 it is an exact integer, in whatever order BLAS adds, and rounding takes the
# three apart again.


class Coarse:
    """The codes of N unit vectors; immutable."""

    __slots__ = ("_packed", "_scale", "_slack", "_templates")

    def __init__(self, vectors: Floats) -> None:
        """Encode `vectors`, (N, D) float32 of unit length."""
        count, dimension = vectors.shape
        # |T| <= S |t| + sqrt(D) / 2 must stay within _CODE_NORM
        self._scale = np.float32(math.floor((_CODE_NORM - math.sqrt(dimension) / 2) / (1 + NORM_TOLERANCE)))
        self._templates = count
        self._slack = 0.0
        lane = -(-count // _LANES)
        # (D, N / 3) float64, by axis: BLAS streams it twice as fast. Not np.zeros: that would not get huge pages
        self._packed = np.empty((dimension, lane))
        self._packed.fill(0.0)
        for start in range(0, _LANES * lane, max(lane, 1)):
            part = vectors[start : start + lane]  # (N / 3, D)
            codes = np.rint(part * self._scale)
            errors = np.linalg.norm(part - codes / self._scale, axis=1)
            self._slack = max(self._slack, float(errors.max(initial=0.0)))
            self._packed *= _RADIX
            self._packed[:, : len(part)] += codes.T
        self._packed.setflags(write=False)

    def scores(self, vector: Floats) -> tuple[Floats, float]:
        """Return about S^2 times the cosines of `vector` (D,), (N,) float32, and the most by which each is wrong."""
        code = np.rint(vector * self._scale)
        total = code.astype(np.float64) @ self._packed  # (N / 3,)
        lanes = np.empty((_LANES, len(total)), np.float32)  # integers below 2^17 are exact in it
        part = np.empty_like(total)
        for lane, place in zip(lanes, (_RADIX**2, _RADIX), strict=False):
            np.rint(np.multiply(total, 1 / place, out=part), out=part)
            lane[:] = part
            total -= np.multiply(part, place, out=part)
        lanes[-1] = total
        # t.q - T.Q/S^2 = (t - T/S).q + (T/S).(q - Q/S), so by Cauchy-Schwarz at most e_t |q| + (|t| + e_t) e_q
        error = float(np.linalg.norm(vector - code / self._scale))
        length = 1 + NORM_TOLERANCE
        slack = self._slack * length + (length + self._slack) * error + _ROUNDING
        return lanes.reshape(-1)[: self._templates], slack * float(self._scale) ** 2
