"""Whether a verification head's probabilities are true: Cllr, expected calibration error, isotonic regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.losses.head import SCORES, Head

BINS = 15  # as usual since Guo et al. 2017


def cllr(genuine: NDArray[np.float64], impostor: NDArray[np.float64]) -> float:
    """Returns the cost of natural log-likelihood ratios in bits, averaged over all priors (Bruemmer & du Preez 2006).

    0 is all-knowing, 1 what someone pays who always says 0; more is worse than saying nothing.
    """
    return float((np.logaddexp(0, -genuine).mean() + np.logaddexp(0, impostor).mean()) / (2 * np.log(2)))


def isotonic(genuine: SCORES, impostor: SCORES) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the natural log-likelihood ratios (n,), (m,) of the best rising curve of any shape on these very pairs.

    Pool adjacent violators with both sides counting half. It is what no head can beat on them, hence a check, and not
    a head: it learns every bump by heart, and says minus or plus infinity beyond the last pair of the other kind.
    """
    from scipy.optimize import isotonic_regression

    n, m = len(genuine), len(impostor)
    scores, place = np.unique(np.concatenate([genuine, impostor]), return_inverse=True)
    same = np.bincount(place[:n], minlength=len(scores)) * (0.5 / n)
    weight = same + np.bincount(place[n:], minlength=len(scores)) * (0.5 / m)
    share = np.clip(isotonic_regression(same / weight, weights=weight).x, 0, 1)
    with np.errstate(divide="ignore"):
        evidence = np.log(share) - np.log1p(-share)
    return evidence[place[:n]], evidence[place[n:]]


def calibration_error(
    genuine: NDArray[np.float64], impostor: NDArray[np.float64], *, prior: float, bins: int = BINS
) -> float:
    """Returns the expected calibration error: how far what is said is from what is, averaged over all that is said.

    Args:
        genuine: (n,) P(same person) said of pairs of one person, at `prior`.
        impostor: (m,) the same of pairs of two persons.
        prior: how many of all pairs are of one person: pairs are weighted until so many are.
        bins: of equal width, over 0..1.
    """
    said = np.concatenate([genuine, impostor])
    same = np.repeat([1.0, 0.0], [len(genuine), len(impostor)])
    weight = np.repeat([prior / len(genuine), (1 - prior) / len(impostor)], [len(genuine), len(impostor)])
    place = np.minimum((said * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weight * (said - same), bins)  # each bin's weight times its mean gap
    return float(np.abs(gap).sum())


def figures(head: Head, genuine: SCORES, impostor: SCORES) -> dict[str, float]:
    """Returns what a card says of a head, on pairs that it was not fitted on.

    `cllr_min` is what is left with the best curve of any shape, so that `cllr` - `cllr_min` is what the head could be
    better at; `ece` at the head's own prior.

    Args:
        head: fitted elsewhere.
        genuine: (n,) similarities of pairs of one person.
        impostor: (m,) of pairs of two persons.
    """
    probabilities = head.probability(genuine), head.probability(impostor)
    return {
        "cllr": round(cllr(head.evidence(genuine), head.evidence(impostor)), 4),
        "cllr_min": round(cllr(*isotonic(genuine, impostor)), 4),
        "ece": round(calibration_error(*probabilities, prior=head.prior), 4),
    }
