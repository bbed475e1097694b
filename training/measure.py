"""Figures of verification (ISO/IEC 19795-1): false match rate, true accept rate, equal error rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.errors import RunError

Scores = NDArray[np.float32]
"""(N,) similarities, sorted upwards wherever a function of this module takes or returns them."""


def all_pairs(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> tuple[Scores, Scores]:
    """Returns the similarities of all genuine and of all impostor pairs among (N, D) unit rows, each sorted upwards.

    Raises:
        RunError: a row has what is no number: sorted, it would count as most alike.
    """
    if lost := int((~np.isfinite(vectors).all(axis=1)).sum()):
        raise RunError(f"the net says what is no number of {lost} of {len(vectors)} samples: its training diverged")
    genuine, impostor = [], []
    for start in range(0, len(vectors), 512):
        block = vectors[start : start + 512] @ vectors.T  # (512, N)
        later = np.arange(len(vectors))[None, :] > np.arange(start, start + len(block))[:, None]
        same = identity[start : start + 512, None] == identity[None, :]
        genuine.append(block[later & same])
        impostor.append(block[later & ~same])
    return np.sort(np.concatenate(genuine)), np.sort(np.concatenate(impostor))


def threshold_at(impostor: Scores, fmr: float) -> float:
    """Returns the lowest similarity above which at most `fmr` of the sorted impostor pairs lie."""
    allowed = int(np.floor(fmr * len(impostor)))
    if allowed >= len(impostor):
        return float(impostor[0])
    return float(np.nextafter(impostor[len(impostor) - 1 - allowed], np.float32(2)))


class Rates(NamedTuple):
    """Both error rates at each of some thresholds."""

    threshold: NDArray[np.float64]  # (T,) similarity from which on two count as one person
    fmr: NDArray[np.float64]  # (T,) share of impostor pairs that reach it
    fnmr: NDArray[np.float64]  # (T,) share of genuine pairs that do not


def error_rates(genuine: Scores, impostor: Scores, thresholds: ArrayLike) -> Rates:
    """Returns false match and false non-match rates of sorted scores at (T,) thresholds."""
    at = np.asarray(thresholds, np.float64)
    # compared in float32, the type of the scores: a threshold taken from them reaches itself
    false = 1 - np.searchsorted(impostor, at.astype(impostor.dtype)) / len(impostor)
    missed = np.searchsorted(genuine, at.astype(genuine.dtype)) / len(genuine)
    return Rates(at, false, missed)


def equal_error_rate(genuine: Scores, impostor: Scores) -> tuple[float, float]:
    """Returns the equal error rate of sorted scores and its threshold.

    Rates move in steps and hardly ever meet: the mean of the two where they are nearest, over all thresholds that are
    a score.
    """
    rates = error_rates(genuine, impostor, np.unique(np.concatenate([genuine, _thinned(impostor)])))
    best = int(np.argmin(np.abs(rates.fmr - rates.fnmr)))
    return float((rates.fmr[best] + rates.fnmr[best]) / 2), float(rates.threshold[best])


def curve(genuine: Scores, impostor: Scores, points: int = 300) -> Rates:
    """Returns the rates from where all are accepted to where none is, at thresholds even in log FMR and in FNMR."""
    steps = np.unique(np.geomspace(1, len(impostor), points).astype(np.int64))
    hits = np.linspace(0, len(genuine) - 1, points).astype(np.int64)
    beyond = np.nextafter(max(genuine[-1], impostor[-1]), np.float32(2))
    return error_rates(genuine, impostor, np.unique(np.concatenate([impostor[-steps], genuine[hits], [beyond]])))


def verification(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> dict[str, float]:
    """Returns true accept rates at false match rates 1e-3 to 1e-5 over all pairs, and the equal error rate.

    False match rates that the impostor pairs are too few to show (less than one pair) are left out.
    """
    genuine, impostor = all_pairs(vectors, identity)
    figures = {}
    for fmr in (rate for rate in (1e-3, 1e-4, 1e-5) if rate * len(impostor) >= 1):
        above = len(genuine) - np.searchsorted(genuine, np.float32(threshold_at(impostor, fmr)))
        figures[f"tar@{fmr:.0e}"] = round(float(above) / len(genuine), 4)
    figures["eer"] = round(equal_error_rate(genuine, impostor)[0], 4)
    return figures


def within(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the (D, D) covariance of (N, D) rows around the mean of their own person; once seen, nobody counts."""
    people, person, count = np.unique(identity, return_inverse=True, return_counts=True)
    sums = np.zeros((len(people), vectors.shape[1]))
    np.add.at(sums, person, vectors)
    off = (vectors - sums[person] / count[person, None])[count[person] > 1]
    return np.asarray(off.T @ off / (len(off) - (count > 1).sum()))


def _thinned(scores: Scores, most: int = 100_000) -> Scores:
    """Returns every n-th score, so that at most about `most` are left: millions of thresholds say no more."""
    return scores[:: max(1, len(scores) // most)]
