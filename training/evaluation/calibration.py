"""The card's table: how often two different people are as similar as that, and how often at most.

    fmr = {similarity, fmr, upper, impostor_pairs, mean, measured_down_to, cohort, worst: {cohort, pictures_left_out,
    similarity, fmr, upper, impostor_pairs, mean}}

`agent/gallery/threshold.py` sets the door's threshold by it. `upper` is the 95 % bound of each rate, one-sided, the
higher one of two: exact for independent pairs (Clopper and Pearson; three in n where none of n matched), and from
drawing people anew, since pairs that share a person are not independent. `mean` is that of strangers' similarities:
above 0 where the card has anchors (`agent.gallery.anchors`). `pictures_left_out`
are those of the cohort whose crops no door would make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bounds import CONFIDENCE, resampled_fmr, upper_bound
from training.evaluation.cohorts import NOT_AT_A_DOOR, Cohort, similarity_at

HIGHEST_RATE = 0.1  # where a table begins
RULE_OF_THREE = 3  # fewer hits say nothing
JUDGED_AT = 1e-5
"""The false match rate of everybody at whose threshold the worst cohort is looked for."""


def fmr_card(everybody: Cohort, others: Sequence[Cohort] = (), *, rounds: int = 200) -> dict[str, Any]:
    """Returns the table for a card.

    Args:
        everybody: the cohort that thresholds were set by until now, the named people of the validation.
        others: among these and `everybody` the worst is looked for, without those that are `NOT_AT_A_DOOR`.
        rounds: of the bootstrap.
    """
    table = _table(everybody, rounds)
    card: dict[str, Any] = {**table, "measured_down_to": RULE_OF_THREE / everybody.impostors.pairs}
    card["cohort"] = everybody.name
    if others:
        chosen = worst([everybody, *others])
        card["worst"] = {"cohort": chosen.name, "pictures_left_out": chosen.askew, **_table(chosen, rounds)}
    return card


def worst(cohorts: Sequence[Cohort]) -> Cohort:
    """Returns the cohort with the highest false match rate where the first one's is `JUDGED_AT`; ties to the first."""
    similarity = similarity_at(cohorts[0], max(JUDGED_AT, RULE_OF_THREE / cohorts[0].impostors.pairs))
    candidates = [cohort for cohort in cohorts if cohort.name not in NOT_AT_A_DOOR]
    return max(candidates, key=lambda one: float(one.impostors.reaching([similarity])[0]) / one.impostors.pairs)


def _table(cohort: Cohort, rounds: int) -> dict[str, Any]:
    """Returns the points in steps of a hundredth, from `HIGHEST_RATE` to where three pairs are left."""
    pairs = cohort.impostors.pairs
    grid = np.arange(-100, 100) / 100
    hits = cohort.impostors.reaching(grid)
    kept = (hits >= RULE_OF_THREE) & (hits <= HIGHEST_RATE * pairs)
    # what lies below the floor of a cohort was counted, not kept: no rates there
    kept &= hits < len(cohort.impostors.similarity)
    kept &= np.concatenate([[True], np.diff(hits) < 0])
    similarity, hits = grid[kept], hits[kept]
    drawn = np.quantile(resampled_fmr(cohort.impostors, similarity, rounds=rounds), CONFIDENCE, axis=0)
    return {
        "similarity": [float(value) for value in similarity],
        "fmr": _rounded(hits / pairs),
        "upper": _rounded(np.maximum(upper_bound(hits, pairs), drawn)),
        "impostor_pairs": pairs,
        "mean": round(cohort.impostors.mean, 4),
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
