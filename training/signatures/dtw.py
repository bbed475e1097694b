"""Dynamic time warping: what a net has to beat, and needs no training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("x", "y", "vx", "vy", "pressure", "speed", "up", "duration")
BAND = 0.15
"""How far one signature may run ahead of the other, of its length (Sakoe and Chiba 1978)."""


def distances(
    references: NDArray[np.float32], probes: NDArray[np.float32], *, band: float = BAND
) -> NDArray[np.float64]:
    """Returns (R, P) mean distances along the best alignment of (R, T, C) with (P, T, C) sequences."""
    across = np.ascontiguousarray(probes.transpose(2, 1, 0))  # (C, T, P): the probes lie side by side
    return np.stack([_to_all(reference, across, band) for reference in references]).astype(np.float64)


def _to_all(reference: NDArray[np.float32], probes: NDArray[np.float32], band: float) -> NDArray[np.float32]:
    """Returns the (P,) distances of one (T, C) sequence, to all (C, T, P) at once along the anti-diagonals.

    A step along both costs twice the distance (the symmetric form), so that every path weighs 2 T together.
    """
    length, channels = reference.shape
    reach = max(1, round(band * length))
    # |a - b|^2 = |a|^2 + |b|^2 - 2 a b, for every step of the one with every step of the other
    local = (reference @ probes.reshape(channels, -1)).reshape(length, length, -1) * np.float32(-2)
    local += (reference**2).sum(axis=1)[:, None, None] + (probes**2).sum(axis=0)
    flat = np.sqrt(np.maximum(local, 0, out=local), out=local).reshape(length * length, -1)
    # row i + 1 holds the best way to (i, k - i) on the anti-diagonal k; row 0 is the border
    before, last, now = (np.full((length + 1, flat.shape[1]), np.inf, np.float32) for _ in range(3))
    before[0] = 0
    for k in range(2 * length - 1):
        low = max(0, k - length + 1, (k - reach + 1) // 2)
        high = min(k, length - 1, (k + reach) // 2) + 1
        step = flat[k + low * (length - 1) : k + (high - 1) * (length - 1) + 1 : max(1, length - 1)]  # (i, k - i)
        now[:] = np.inf
        straight = np.minimum(last[low:high], last[low + 1 : high + 1]) + step
        now[low + 1 : high + 1] = np.minimum(straight, before[low:high] + 2 * step)
        before, last, now = last, now, before
    return np.asarray(last[-1] / (2 * length))
