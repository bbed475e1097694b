"""What a calibration is worth to people it has never seen: before and after, choice of the space included."""

from __future__ import annotations

from typing import Any

import numpy as np

from agent.errors import CalibrationError
from agent.gallery.anchors import Anchors
from agent.gallery.calibration import LEAST_PEOPLE, calibrate
from agent.gallery.space import AS_ENCODED, Space
from agent.gallery.strangers import Ints
from agent.gallery.tail import Doubles
from agent.gallery.threshold import FmrTable
from agent.types import Floats

MOST_FOLDS = 5
PROMISED_FMR = 1e-3
"""At the threshold for which strangers are counted: lower ones would show none, whatever is true."""


def held_out(vectors: Floats, people: Ints, card: FmrTable, anchors: Anchors | None = None) -> dict[str, Any] | None:
    """Return how often strangers match and people are recognised at a promised FMR, before and after.

    Everything is fitted to some of the people and counted on the others, in turn.

    Args:
        vectors: (N, D) float32 of unit length, by person.
        people: (N,) 0 to P - 1, ascending.
        card: the encoder's table.
        anchors: of the same card, where it has any.

    Returns:
        JSON-able figures; None where too few people, or too odd ones, would be left to fit to.
    """
    count = int(people[-1]) + 1
    folds = min(MOST_FOLDS, count // LEAST_PEOPLE)
    if folds < 2:  # noqa: PLR2004 - one to fit to, one to look at
        return None
    fold = np.empty(count, np.intp)
    fold[np.random.default_rng(1).permutation(count)] = np.arange(count) % folds
    counted: dict[str, list[Doubles]] = {"before": [], "after": []}
    thresholds: dict[str, list[float]] = {"before": [], "after": []}
    methods = []
    for number in range(folds):
        test = fold[people] == number
        try:
            fitted = calibrate(vectors[~test], _numbered(people[~test]), card, anchors)
        except CalibrationError:
            return None
        methods.append(fitted.method)
        for when, space, table in (
            ("before", AS_ENCODED.normalised(anchors), card),
            ("after", fitted.space, FmrTable.from_site(fitted.table)),
        ):
            thresholds[when].append(table.cosine_for(PROMISED_FMR))
            counted[when].append(_count(vectors[test], _numbered(people[test]), space, thresholds[when][-1]))
    return {
        "people": count,
        "folds": folds,
        "promised_fmr": PROMISED_FMR,
        "methods": methods,
        **{when: _told(counted[when], thresholds[when]) for when in counted},
    }


def _numbered(people: Ints) -> Ints:
    return np.asarray(np.unique(people, return_inverse=True)[1], np.intp)


def _count(vectors: Floats, people: Ints, space: Space, threshold: float) -> Doubles:
    """Of each person: photos paired with strangers', those that match, photos paired with their own, those that match.

    Returns:
        (4, P).
    """
    placed = space(vectors)
    matched = placed @ placed.T >= threshold
    same = people[:, None] == people[None, :]
    own = same & ~np.eye(len(people), dtype=bool)
    rows = ((~same).sum(1), (~same & matched).sum(1), own.sum(1), (own & matched).sum(1))
    return np.stack([np.bincount(people, row) for row in rows])


def _told(counted: list[Doubles], thresholds: list[float]) -> dict[str, Any]:
    """Shares over all pairs, and their standard errors by person."""
    strangers, let_in, own, recognised = np.concatenate(counted, axis=1)
    fmr, fmr_error = _share(let_in, strangers)
    tar, tar_error = _share(recognised, own)
    return {
        "threshold": round(float(np.mean(thresholds)), 3),
        "impostor_pairs": int(strangers.sum() / 2),
        "false_matches": int(let_in.sum() / 2),
        "fmr": fmr,
        "fmr_error": fmr_error,
        "genuine_pairs": int(own.sum() / 2),
        "recognised": tar,
        "recognised_error": tar_error,
    }


def _share(part: Doubles, whole: Doubles) -> tuple[float | None, float | None]:
    """A ratio of sums, and its standard error with people as the units (Cochran 1977, 6.8)."""
    if not whole.sum():
        return None, None
    ratio = float(part.sum() / whole.sum())
    off = part - ratio * whole
    error = float(np.sqrt((off @ off) * len(whole) / max(len(whole) - 1, 1)) / whole.sum())
    return float(f"{ratio:.4g}"), float(f"{error:.2g}")
