"""How alike the most alike of many strangers are, said from the strangers of a few: a model of the tail.

A false match rate of 1 in a million is measured on millions of pairs; the people of a site make a hundred. What a
hundred pairs do show is the mean and the spread of their similarities, and these are what differ from site to site.
Cosines are bounded, so that the model is one of angles: with the elevation e(s) = arcsin(s), 0 for vectors that have
nothing in common,

    FMR(s) = Q(RATIO (e(s) - mean) / spread),  Q the upper tail of the normal distribution

The spread of few people is itself uncertain. It is pulled towards the one at which this model agrees with the encoder's
card, as if that had been seen in PRIOR_PEOPLE's worth of pairs (a scaled inverse chi-square prior).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from agent.gallery.threshold import FmrTable

Doubles = NDArray[np.float64]

RATIO = 0.84
"""Tails of strangers are longer than a normal distribution's: normal score over standard deviations, in angles.

Of twelve groups of 207 to 640 alike people (clusters of All-Age-Faces and UTKFace by encoder b7c4c4d3) it was 0.84 to
0.97 at an FMR of 1e-2, 0.80 to 0.99 at 1e-3, 0.82 to 0.91 at 1e-4. Large cohorts have longer tails for their spread
(0.72 and 0.78 at 1e-4), since alike people are in them: these are the card's own table, which is never gone below.
"""
PRIOR_FREEDOM = 20.0
"""What the card's spread weighs, in degrees of freedom: 2 / (2 x 0.16)^2. The spreads of the twelve groups, 0.098 to
0.160, have a standard deviation of their logarithm of 0.13."""
AGREED_FMR = 1e-3
"""Where model and card are to agree: low enough to be of the tail, measured well by any card."""
LEAST_RATE = 1e-30
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and spread of strangers' elevations, radians, and how sure they are."""

    mean: float
    mean_error: float
    spread: float
    freedom: float  # of the spread, degrees
    people: int

    def with_prior(self, card: FmrTable) -> Spread:
        """Return the same with the spread pulled towards the card's."""
        prior = (math.asin(min(card.cosine_for(AGREED_FMR), 1.0)) - math.asin(card.mean)) / deviations_for(AGREED_FMR)
        freedom = self.freedom + PRIOR_FREEDOM
        square = (self.freedom * self.spread**2 + PRIOR_FREEDOM * prior**2) / freedom
        return Spread(self.mean, self.mean_error, math.sqrt(square), freedom, self.people)

    def scores(self, cosines: Doubles) -> tuple[Doubles, Doubles]:
        """Return the normal scores of the FMR at `cosines`, and their lower 95 % bounds."""
        score = RATIO * (np.arcsin(cosines) - self.mean) / self.spread
        # d score = RATIO d mean / spread + score d spread / spread; the relative error of a spread is 1 / sqrt(2 n)
        by_mean = (RATIO * self.mean_error / self.spread) ** 2
        by_spread = score**2 / (2 * self.freedom)
        # Welch and Satterthwaite: the freedom of a sum of variances, each with its own
        freedom = (by_mean + by_spread) ** 2 / (by_mean**2 / (self.people - 1) + by_spread**2 / self.freedom)
        return score, score - student_t95(freedom) * np.sqrt(by_mean + by_spread)


def spread_of(mean: float, spread: float, means: Doubles, spreads: Doubles) -> Spread:
    """Return how sure a mean and a spread are, from those without each person in turn, (P,) each."""
    # A variance of n degrees of freedom has a logarithm with the variance 2 / n
    error = max(float(jackknife_error(np.asarray(2 * np.log(spreads)))), 1e-9)
    return Spread(mean, float(jackknife_error(means)), spread, 2 / error**2, len(means))


def deviations_for(fmr: float) -> float:
    """Return how many spreads above the mean of strangers the FMR has fallen to `fmr`."""
    return -_NORMAL.inv_cdf(fmr) / RATIO


def upper_tail(scores: Doubles) -> Doubles:
    """Return Q(score), the share of a normal distribution above; exact far out too."""
    return np.array([_NORMAL.cdf(-float(each)) for each in scores.ravel()]).reshape(scores.shape)


def student_t95(freedom: Doubles) -> Doubles:
    """Return the one-sided 95 % quantile of Student's t (Abramowitz and Stegun 26.7.5; below 0.01 off from 3 on)."""
    z, n = _NORMAL.inv_cdf(0.95), freedom
    return np.asarray(
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def jackknife_error(without: Doubles) -> Doubles:
    """Return the standard error of a statistic from its values without each person in turn, (P, ...) (Tukey 1958)."""
    people = len(without)
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(spread * (people - 1) / people))


def no_lower(rate: float) -> float:
    """Return a rate of four digits that is no lower than `rate`, nor than LEAST_RATE, for a file."""
    rate = max(rate, LEAST_RATE)
    digits = 3 - math.floor(math.log10(rate))
    return min(1.0, float(f"{math.ceil(rate * 10.0**digits)}e{-digits}"))
