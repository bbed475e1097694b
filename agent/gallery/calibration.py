"""Fits space and rates to a site's own people, without training: a few photos each of a few people are enough.

What is chosen and what is promised is measured on pairs of people that had no part in the space (`cross_scores`), and
once more, choice and all, on people held out (`held_out`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from agent.errors import CalibrationError, ModelError
from agent.gallery.anchors import Anchors, fingerprint
from agent.gallery.site import Site
from agent.gallery.space import Space
from agent.gallery.spaces import LEAST_FOR_A_MATRIX, METHODS
from agent.gallery.strangers import GRID, Fit, Ints, Scores, cross_scores
from agent.gallery.tail import deviations_for, jackknife_error, no_lower, spread_of, upper_tail
from agent.gallery.threshold import FmrTable
from agent.types import Floats

LEAST_PEOPLE = 5
MOST_PHOTOS = 3000
"""In all: so many are 50 MB of similarities. Of people with many the later ones are left out first."""
FEW_PEOPLE = 20
LEAST_SEPARATION = 1.0  # spreads; of any encoder worth the name it is 3 and more
STRICT_FMR = 1e-4  # where the share that is recognised must not fall
SURE: Mapping[str, float] = MappingProxyType({"half centred": 0.0, "centred": 2.0, "whitened": 2.0})
"""By how many standard errors a method must be better. Half centring takes away no more than is surely shared, so that
it is taken where it is better at all: of few people nothing is sure, and they gain most."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a way to place faces gives on people it was not fitted to."""

    method: str
    separation: float  # how far a person's photos are above strangers, in standard deviations of strangers
    gained: float  # separation more than with the method taken before
    error: float  # standard error of that, by person
    recognised: float  # share of genuine pairs above where the model has an FMR of STRICT_FMR
    taken: bool


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A site, and what it was chosen by."""

    space: Space
    method: str
    table: Mapping[str, Any]  # as a card's `fmr`
    comparisons: tuple[Comparison, ...]
    scores: Scores  # of the method taken
    notes: tuple[str, ...]

    def site(self, card: Mapping[str, Any], made_on: str, photos: int, figures: Mapping[str, Any]) -> Site:
        """Return what goes into the file; `card` is the encoder's."""
        compared = [{name: _short(getattr(each, name)) for name in Comparison.__slots__} for each in self.comparisons]
        return Site(
            model=card["id"],
            made_on=made_on,
            people=self.scores.people,
            photos=photos,
            method=self.method,
            space=self.space,
            fmr=self.table,
            figures={"methods": compared, **figures},
            notes=self.notes,
            normalisation=fingerprint(card),
        )


def thinned(people: Ints) -> Ints:
    """Return the rows to use, (M,) ascending, where (N,) are whose the photos are, ascending.

    Of everybody as many as leave MOST_PHOTOS in all, two at the least.
    """
    _, starts, counts = np.unique(people, return_index=True, return_counts=True)
    most = max((n for n in range(2, int(counts.max()) + 1) if np.minimum(counts, n).sum() <= MOST_PHOTOS), default=2)
    number = np.arange(len(people)) - np.repeat(starts, counts)
    return np.flatnonzero(number < most)


def calibrate(vectors: Floats, people: Ints, card: FmrTable, anchors: Anchors | None = None) -> Calibration:
    """Return the space and the rates that fit these people.

    Args:
        vectors: (N, D) float32 of unit length, as the encoder makes them, by person.
        people: (N,) whose they are, 0 to P - 1, ascending.
        card: no rate is promised to be lower than this says.
        anchors: of the encoder's card, where it has any.

    Raises:
        CalibrationError: there are too few people.
    """
    count = len(np.unique(people))
    if count < LEAST_PEOPLE:
        raise CalibrationError(
            f"{count} people with a usable photo are too few to say how alike strangers are here: want {LEAST_PEOPLE}, "
            f"better {FEW_PEOPLE} and more"
        )
    method, scores, comparisons = _choose(vectors, people, anchors)
    notes = [*_notes(count, scores), *(["no other space is measurably better here"] if method == "as encoded" else [])]
    table = rates(scores, card)
    if not _usable(table, next(each.separation for each in comparisons if each.method == method)):
        raise CalibrationError(
            f"strangers among these {count} people are as alike as one person, or differ so much that nothing can be "
            f"promised of others: does each folder hold one person, and everybody one folder? Else add people"
        )
    space = normalised(METHODS[method], anchors)(vectors, people)
    return Calibration(space, method, table, tuple(comparisons), scores, tuple(notes))


def normalised(fit: Fit, anchors: Anchors | None) -> Fit:
    """Return what makes the spaces of `fit`, with anchors."""
    return lambda vectors, people: fit(vectors, people).normalised(anchors)


def _usable(table: Mapping[str, Any], separation: float) -> bool:
    try:
        FmrTable.from_site(table)
    except ModelError:
        return False
    return not separation < LEAST_SEPARATION  # NaN where nobody has two photos


def _choose(vectors: Floats, people: Ints, anchors: Anchors | None) -> tuple[str, Scores, list[Comparison]]:
    """The plainest method that no other beats measurably."""
    chosen, best, compared = "", None, []
    for method, fit in METHODS.items():
        if method == "whitened" and (np.bincount(people) > 1).sum() < LEAST_FOR_A_MATRIX:
            continue
        scores = cross_scores(vectors, people, normalised(fit, anchors))
        who, genuine = scores.genuine_of()
        if best is None:
            taken, gained, error = True, 0.0, 0.0
        elif len(who) < LEAST_PEOPLE:
            break  # nothing tells better from worse
        else:
            gained, error = _gain(scores, best)
            better = gained > SURE[method] * error and _recognised(scores) >= _recognised(best)
            taken = bool(better)
        separation = _separation(scores, genuine)
        compared.append(Comparison(method, separation, gained, error, _recognised(scores), taken))
        if taken:
            chosen, best = method, scores
    assert best is not None  # noqa: S101 - there is a first method
    return chosen, best, compared


def _separation(scores: Scores, genuine: np.ndarray[Any, Any]) -> float:
    mean, spread = scores.moments()
    return float((genuine.mean() - mean) / spread) if len(genuine) else float("nan")


def _gain(new: Scores, old: Scores) -> tuple[float, float]:
    """How much more the new scores separate than the old, and its standard error, by leaving each person out."""
    whole, without = [], []
    for scores in (new, old):
        who, genuine = scores.genuine_of()
        mean, spread = scores.moments_without()
        # the mean of the genuine ones without each person: only those with two photos change it
        left = np.full(scores.people, genuine.mean())
        left[who] = (genuine.sum() - genuine) / (len(who) - 1)
        whole.append(_separation(scores, genuine))
        without.append((left - mean) / spread)
    return whole[0] - whole[1], float(jackknife_error(without[0] - without[1]))


def _recognised(scores: Scores) -> float:
    """Share of the genuine pairs, each person counting once, at an FMR of STRICT_FMR by the model."""
    if not len(scores.genuine):
        return float("nan")
    mean, spread = scores.moments()
    over = scores.genuine >= mean + spread * deviations_for(STRICT_FMR)
    count = np.bincount(scores.whose, minlength=scores.people)
    return float((np.bincount(scores.whose, over, minlength=scores.people)[count > 0] / count[count > 0]).mean())


def rates(scores: Scores, card: FmrTable) -> dict[str, Any]:
    """Return the false match rate by cosine with its 95 % upper bound, as a card has them under `fmr`.

    By the model of `tail` with the site's mean and spread, but never below what was seen: two people who look alike
    are seen. The bound is never below the card's either, so that few people cannot make a site look safer than that.
    """
    fitted = spread_of(*scores.moments(), *scores.moments_without()).with_prior(card)
    likely, least = fitted.scores(GRID)
    fmr = np.maximum(upper_tail(likely), scores.above)
    bound = np.maximum(np.maximum(upper_tail(least), fmr), [card.fmr_at(cosine) for cosine in GRID])
    # Nothing that is more alike can be more frequent: the bounds far from the mean are wide, of rates below them
    fmr, bound = (np.maximum.accumulate(each[::-1])[::-1] for each in (fmr, bound))
    first = int(np.searchsorted(-bound, -0.1, side="right"))  # from the last cosine whose bound is 10 % or more
    kept = slice(max(first - 1, 0), None)
    pairs = scores.people * (scores.people - 1) // 2
    return {
        "similarity": GRID[kept].tolist(),
        "fmr": [no_lower(rate) for rate in fmr[kept]],
        "upper": [no_lower(rate) for rate in bound[kept]],
        "impostor_pairs": pairs,
        "measured_down_to": no_lower(min(1.0, 3 / pairs)),
    }


def _notes(count: int, scores: Scores) -> list[str]:
    notes = []
    if count < FEW_PEOPLE:
        notes.append(
            f"{count} people are few: the bounds are wide and the threshold high; add people and calibrate again"
        )
    if len(scores.genuine_of()[0]) < LEAST_PEOPLE:
        notes.append("too few people with two photos to compare spaces: faces are compared as the encoder places them")
    return notes


def _short(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value
