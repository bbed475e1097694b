"""Verification over all pairs of a set of pictures: error rates, true accept rates with bounds, and what plots need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bounds import Share, interval, resampled_tar, wilson
from training.evaluation.pairs import genuine_pairs, impostor_pairs
from training.measure import Rates, Scores, all_pairs, curve, equal_error_rate, threshold_at

FMRS = (1e-3, 1e-4, 1e-5, 1e-6)
BINS = 120
SLACK = 4
"""As many times the highest FMR are kept for the bootstrap, whose people may be more alike than those at hand."""


@dataclass(frozen=True, slots=True)
class TrueAccepts:
    """How many of the right people get in where so many of the wrong ones do."""

    fmr: float
    similarity: float  # the threshold
    share: Share  # with Wilson's interval, as if pairs were independent
    people: tuple[float, float]  # the interval from drawing people anew


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How the scores of both kinds are spread, as densities."""

    edges: NDArray[np.float64]  # (B + 1,)
    genuine: NDArray[np.float64]  # (B,)
    impostor: NDArray[np.float64]  # (B,)


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """All that one set of genuine and impostor pairs says."""

    genuine_pairs: int
    impostor_pairs: int
    eer: float
    eer_similarity: float
    true_accepts: tuple[TrueAccepts, ...]
    curve: Rates
    histogram: Histogram

    def figures(self) -> dict[str, float]:
        """Returns what goes into a card."""
        shares = {f"tar@{one.fmr:.0e}": round(one.share.value, 4) for one in self.true_accepts}
        return shares | {"eer": round(self.eer, 4)}


def verify(
    vectors: NDArray[np.float32],
    identity: NDArray[np.int64],
    *,
    fmrs: Sequence[float] = FMRS,
    rounds: int = 200,
    seed: int = 0,
) -> Verification:
    """Returns the figures of all pairs of (N, D) unit rows; `rounds` of the bootstrap over people.

    False match rates that the impostor pairs are too few to show (less than one pair) are left out.
    """
    genuine, impostor = all_pairs(vectors, identity)
    shown = [fmr for fmr in fmrs if fmr * len(impostor) >= 1]
    intervals: list[tuple[float, float]] = []
    if shown:
        tail = impostor_pairs(vectors, identity, floor=threshold_at(impostor, min(1.0, SLACK * max(shown))))
        drawn = resampled_tar(genuine_pairs(vectors, identity), tail, shown, rounds=rounds, seed=seed)
        intervals = [interval(drawn[:, column]) for column in range(len(shown))]
    return verify_scores(genuine, impostor, fmrs=shown, people=intervals)


def verify_scores(
    genuine: Scores, impostor: Scores, *, fmrs: Sequence[float] = FMRS, people: Sequence[tuple[float, float]] = ()
) -> Verification:
    """Returns the figures of scores sorted upwards, of whatever kind; higher means more alike.

    Args:
        genuine: (G,) float32.
        impostor: (I,) float32.
        fmrs: to give true accept rates at.
        people: for each, an interval from a bootstrap; where there is none, Wilson's stands for it.
    """
    eer, middle = equal_error_rate(genuine, impostor)
    accepts = []
    for number, fmr in enumerate(fmrs):
        threshold = threshold_at(impostor, fmr)
        share = wilson(int((genuine >= threshold).sum()), len(genuine))
        ends = people[number] if number < len(people) else (share.lower, share.upper)
        accepts.append(TrueAccepts(fmr, threshold, share, ends))
    edges = np.linspace(min(genuine[0], impostor[0]), max(genuine[-1], impostor[-1]), BINS + 1)
    spread = [np.histogram(scores, edges, density=True)[0] for scores in (genuine, impostor)]
    return Verification(
        len(genuine),
        len(impostor),
        eer,
        middle,
        tuple(accepts),
        curve(genuine, impostor),
        Histogram(edges, spread[0], spread[1]),
    )
