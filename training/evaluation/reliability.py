"""Whether probabilities mean what they say: of pairs given 80 %, eight in ten are of one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bounds import Share, wilson

BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities in ten even bins; empty ones are left out."""

    predicted: NDArray[np.float64]  # (B,) mean probability in each bin
    shares: tuple[Share, ...]  # of one person, with Wilson's interval
    pairs: tuple[int, ...]
    calibration_error: float  # mean of |share - predicted|, weighed by pairs (Naeini et al. 2015)
    brier: float  # mean squared error of the probability (Brier 1950)


def reliability(probability: NDArray[np.float64], same: NDArray[np.bool_]) -> Reliability:
    """Returns how true (N,) probabilities are, given which pairs are of one person."""
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    filled = np.unique(place)
    predicted = np.array([probability[place == one].mean() for one in filled])
    shares = tuple(wilson(int(same[place == one].sum()), int((place == one).sum())) for one in filled)
    pairs = tuple(int((place == one).sum()) for one in filled)
    gaps = np.abs(np.array([share.value for share in shares]) - predicted)
    return Reliability(
        predicted, shares, pairs, float(np.average(gaps, weights=pairs)), float(((probability - same) ** 2).mean())
    )
