"""Figures of verification (ISO/IEC 19795-1): false match rate, true accept rate, equal error rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def all_pairs(
    vectors: NDArray[np.float32], identity: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the similarities of all genuine and of all impostor pairs among (N, D) unit rows, each sorted upwards."""
    genuine, impostor = [], []
    for start in range(0, len(vectors), 512):
        block = vectors[start : start + 512] @ vectors.T  # (512, N)
        later = np.arange(len(vectors))[None, :] > np.arange(start, start + len(block))[:, None]
        same = identity[start : start + 512, None] == identity[None, :]
        genuine.append(block[later & same])
        impostor.append(block[later & ~same])
    return np.sort(np.concatenate(genuine)), np.sort(np.concatenate(impostor))


def threshold_at(impostor: NDArray[np.float32], fmr: float) -> float:
    """Returns the lowest similarity above which at most `fmr` of the sorted impostor pairs lie."""
    allowed = int(np.floor(fmr * len(impostor)))
    return float(np.nextafter(impostor[len(impostor) - 1 - allowed], np.float32(2)))


def verification(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> dict[str, float]:
    """Returns true accept rates at false match rates 1e-3 to 1e-5 over all pairs, and the equal error rate."""
    genuine, impostor = all_pairs(vectors, identity)
    figures = {}
    for fmr in (1e-3, 1e-4, 1e-5):
        above = len(genuine) - np.searchsorted(genuine, threshold_at(impostor, fmr))
        figures[f"tar@{fmr:.0e}"] = round(float(above) / len(genuine), 4)
    grid = genuine[:: max(1, len(genuine) // 2000)]
    misses = np.searchsorted(genuine, grid) / len(genuine)
    false = 1 - np.searchsorted(impostor, grid) / len(impostor)
    figures["eer"] = round(float(((misses + false) / 2)[np.argmin(np.abs(misses - false))]), 4)
    return figures


def within(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the (D, D) covariance of (N, D) rows around the mean of their own person; once seen, nobody counts."""
    people, person, count = np.unique(identity, return_inverse=True, return_counts=True)
    sums = np.zeros((len(people), vectors.shape[1]))
    np.add.at(sums, person, vectors)
    off = (vectors - sums[person] / count[person, None])[count[person] > 1]
    return np.asarray(off.T @ off / (len(off) - (count > 1).sum()))
