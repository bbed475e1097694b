"""How far a measured share may be from the true one: exact and approximate intervals, and the bootstrap over people.

The intervals of a binomial share hold for independent trials. Pairs are not: one person who looks like many is in many
of them. So what a figure would have been with other people is asked of the people: drawn anew, with replacement, each
with all their pictures (ISO/IEC 19795-1:2021, clause on variance; Bolle et al. 2004, the subset bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, norm

CONFIDENCE = 0.95
ROUNDS = 200
"""Of the bootstrap: the 2.5 % ends of as many are good to about a tenth of the interval's width."""


@dataclass(frozen=True, slots=True)
class Share:
    """A measured share with the ends of its interval, all 0..1."""

    value: float
    lower: float
    upper: float


def wilson(hits: int, trials: int, confidence: float = CONFIDENCE) -> Share:
    """Returns a share with its Wilson score interval (Wilson 1927): of the right size on average."""
    z = float(norm.ppf((1 + confidence) / 2))
    share = hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * float(np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2))
    return Share(share, max(0.0, middle - reach), min(1.0, middle + reach))


def clopper_pearson(hits: int, trials: int, confidence: float = CONFIDENCE) -> Share:
    """Returns a share with its exact interval (Clopper and Pearson 1934): never too narrow."""
    tail = (1 - confidence) / 2
    lower = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    upper = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return Share(hits / trials, lower, upper)


def upper_bound(hits: ArrayLike, trials: int, confidence: float = CONFIDENCE) -> NDArray[np.float64]:
    """Returns the exact one-sided upper bound of (T,) shares; with no hit it is the rule of three, 3 / trials."""
    count = np.asarray(hits, np.float64)
    return np.asarray(np.where(count < trials, beta.ppf(confidence, count + 1, np.maximum(trials - count, 1)), 1.0))


def interval(rounds: NDArray[np.float64], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Returns the middle `confidence` of what a bootstrap's (R,) rounds gave."""
    lower, upper = np.quantile(rounds, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)


@dataclass(frozen=True, slots=True, eq=False)
class Genuine:
    """All pairs of two pictures of one person."""

    similarity: NDArray[np.float32]  # (N,)
    person: NDArray[np.int64]  # (N,) 0..P-1


@dataclass(frozen=True, slots=True, eq=False)
class Impostors:
    """The most similar pairs of two people, and how many pairs there were altogether."""

    similarity: NDArray[np.float32]  # (K,) descending
    first: NDArray[np.int64]  # (K,) person, 0..P-1
    second: NDArray[np.int64]  # (K,)
    pictures: NDArray[np.int64]  # (P,) how many each person has
    pairs: int  # compared, of which K are here
    mean: float = 0.0  # of the similarity of all that were compared

    def reaching(self, thresholds: ArrayLike) -> NDArray[np.int64]:
        """Returns how many pairs are at least as similar as each of (T,) thresholds; none may be below the K."""
        at = np.asarray(thresholds, np.float32)
        return np.asarray(np.searchsorted(-self.similarity, -at, side="right"))

    def nearest(self, count: int) -> Impostors:
        """Returns the same with only the `count` most similar pairs at hand."""
        first, second = self.first[:count], self.second[:count]
        return Impostors(self.similarity[:count], first, second, self.pictures, self.pairs, self.mean)

    def weighed(self, drawn: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
        """Returns the (K,) running number of pairs, most similar first, and their number in all, had each of (P,)
        people been drawn `drawn` times. A person and their own copy make no pair.
        """  # noqa: D205 - one sentence
        running = np.cumsum(drawn[self.first] * drawn[self.second], dtype=np.float64)
        return running, _between(drawn * self.pictures) * self.pairs / _between(self.pictures)


def _between(pictures: NDArray[np.int64]) -> float:
    """Returns how many pairs of pictures of different people there are."""
    count = pictures.astype(np.float64)
    return float(count.sum() ** 2 - (count**2).sum()) / 2


def resampled_fmr(
    impostors: Impostors, thresholds: ArrayLike, *, rounds: int = ROUNDS, seed: int = 0
) -> NDArray[np.float64]:
    """Returns (R, T) false match rates at thresholds, each row with people drawn anew."""
    upto = impostors.reaching(thresholds)
    draws = _draws(len(impostors.pictures), rounds, seed)
    rows = np.empty((len(draws), len(upto)))
    impostors = impostors.nearest(int(upto.max(initial=0)))  # the others would only be waited for
    for row, drawn in zip(rows, draws, strict=True):
        running, pairs = impostors.weighed(drawn)
        row[:] = np.concatenate([[0.0], running])[upto] / pairs
    return rows


def resampled_tar(
    genuine: Genuine, impostors: Impostors, fmrs: Sequence[float], *, rounds: int = ROUNDS, seed: int = 0
) -> NDArray[np.float64]:
    """Returns (R, F) true accept rates at false match rates; people drawn anew set the threshold of their round too."""
    draws = _draws(len(impostors.pictures), rounds, seed)
    rows = np.empty((len(draws), len(fmrs)))
    for row, drawn in zip(rows, draws, strict=True):
        running, pairs = impostors.weighed(drawn)
        weight = drawn[genuine.person].astype(np.float64)
        for column, fmr in enumerate(fmrs):
            allowed = int(np.searchsorted(running, fmr * pairs, side="right"))  # that many lie above the threshold
            beyond = impostors.similarity[min(allowed, len(running) - 1)]
            row[column] = weight[genuine.similarity > beyond].sum() / max(weight.sum(), 1)
    return rows


def _draws(people: int, rounds: int, seed: int) -> NDArray[np.int64]:
    """Returns (R, P) how often each of P people is drawn; R is less than `rounds` by the draws of one person alone.

    Those have no pair of strangers, and no rate: a few among six people, none among hundreds.
    """
    drawn = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), rounds)
    return np.asarray(drawn[(drawn > 0).sum(1) > 1], np.int64)
