"""False match rates by cohort: who looks alike to an encoder, at the one threshold that holds for all.

A cohort is a set of pictures with something in common: where they are from, how large or turned the faces are. Both
pictures of an impostor pair are of the cohort, as are a stranger and a colleague of one origin (NIST IR 8280).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bounds import Genuine, Impostors, Share, clopper_pearson, interval, resampled_fmr
from training.evaluation.pairs import genuine_pairs, impostor_pairs

SAME_PERSON = 0.5
"""Cosine of the two reference encoders together from which a pair without names is taken for one person.

The most similar of 5.4 million pairs of different named people (validation) has 0.44, and within All-Age-Faces and the
adults there is a valley between two hills at 0.45 to 0.5. What pairs of one person are left below it count as false
matches: the rate errs towards shut.
"""
MOST = 2000  # pictures of a cohort without names: two million pairs
FEWEST = 50  # pictures that make a cohort
SOURCES = {
    "aaf": "All-Age-Faces (East Asian)",
    "utk": "UTKFace (all ages and origins)",
    "humans": "portraits, mostly of adults",
    "mask": "masked faces",
}
"""What groups of `faces/index.csv` are called; others go by their own name."""
NOBODY = {"", "omi"}
"""No cohorts: pictures of unknown origin, and StyleGAN's series of nobody, where there are no two people to compare."""
NOT_AT_A_DOOR = {SOURCES["mask"], SOURCES["utk"]}
"""Cohorts that set no threshold: of masked faces only the eyes are left to compare, and UTKFace's false matches are, as
one sees, between infants, who come to no door by themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The impostor pairs within one set of pictures, and its genuine pairs where there are names."""

    name: str
    pictures: int
    impostors: Impostors
    genuine: Genuine | None = None
    left_out: int = 0  # pairs that may show one person
    askew: int = 0  # pictures left out before, since no door would make such crops

    @property
    def people(self) -> int:
        """How many there are; where there are no names, each picture counts as one."""
        return len(self.impostors.pictures)


@dataclass(frozen=True, slots=True)
class CohortRate:
    """A cohort's error rates at one threshold."""

    cohort: str
    similarity: float
    hits: int
    pairs: int
    fmr: Share  # Clopper and Pearson's interval, as if pairs were independent
    people: tuple[float, float]  # the interval from drawing people anew
    fnmr: float | None  # where there are names
    askew: int = 0  # see Cohort

    def told(self) -> dict[str, float]:
        """Returns what goes into a card: the false match rate and the upper end of its 95 % interval."""
        bound = max(self.fmr.upper, self.people[1])
        return {"fmr": float(f"{self.fmr.value:.4g}"), "at_most": float(f"{bound:.4g}")}


def labelled(name: str, vectors: NDArray[np.float32], identity: NDArray[np.int64], *, floor: float = 0.0) -> Cohort:
    """Returns a cohort of named people; pairs less similar than `floor` are only counted."""
    impostors = impostor_pairs(vectors, identity, floor=floor)
    return Cohort(name, len(vectors), impostors, genuine_pairs(vectors, identity))


def unlabelled(
    name: str, vectors: NDArray[np.float32], teacher: NDArray[np.float16] | None, *, floor: float = 0.0, askew: int = 0
) -> Cohort:
    """Returns a cohort where nobody knows who is who: pairs that are one person to the (N, T) `teacher` are left out.

    Without a teacher every pair counts as one of two people.
    """
    each = np.arange(len(vectors))
    impostors = impostor_pairs(vectors, each, floor=floor, teacher=teacher, same_person=SAME_PERSON)
    left_out = len(each) * (len(each) - 1) // 2 - impostors.pairs
    return Cohort(name, len(vectors), impostors, None, left_out, askew)


def cohort_rows(
    group: NDArray[np.str_],
    identity: NDArray[np.int64],
    preferred: NDArray[np.bool_],
    *,
    seed: int = 0,
) -> dict[str, NDArray[np.int64]]:
    """Returns the rows of each cohort without names, at most `MOST`.

    Args:
        group: (N,) where each picture is from.
        identity: (N,) -1 where nobody knows who it is; others are left to the labelled cohorts.
        preferred: (N,) pictures that were not trained on; where they are too few, others come in.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    chosen = {}
    for key in sorted({str(one) for one in np.unique(group)} - NOBODY):
        rows = random.permutation(np.flatnonzero((group == key) & (identity < 0)))
        rows = rows[np.argsort(~preferred[rows], kind="stable")][:MOST]
        if len(rows) >= FEWEST:
            chosen[SOURCES.get(key, key)] = np.sort(rows).astype(np.int64)
    return chosen


def by_attribute(
    vectors: NDArray[np.float32], identity: NDArray[np.int64], parts: Mapping[str, NDArray[np.bool_]]
) -> list[Cohort]:
    """Returns a labelled cohort for each (N,) mask of `parts` that has enough pictures of several people."""
    return [
        labelled(name, vectors[mask], identity[mask])
        for name, mask in parts.items()
        if mask.sum() >= FEWEST and len(np.unique(identity[mask])) > 1
    ]


def terciles(what: str, unit: str, values: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Returns three masks over (N,) values, lowest third first, named by their edges."""
    low, high = (float(edge) for edge in np.quantile(values, [1 / 3, 2 / 3]))
    return {
        f"{what} up to {low:.3g}{unit}": values <= low,
        f"{what} {low:.3g} to {high:.3g}{unit}": (values > low) & (values <= high),
        f"{what} above {high:.3g}{unit}": values > high,
    }


def rates(cohorts: Sequence[Cohort], similarity: float, *, rounds: int = 200) -> list[CohortRate]:
    """Returns every cohort's error rates at one threshold."""
    return [_rate(cohort, similarity, rounds) for cohort in cohorts]


def _rate(cohort: Cohort, similarity: float, rounds: int) -> CohortRate:
    hits = int(cohort.impostors.reaching([similarity])[0])
    drawn = resampled_fmr(cohort.impostors, [similarity], rounds=rounds)[:, 0]
    fnmr = None
    if cohort.genuine is not None and len(cohort.genuine.similarity):
        fnmr = float((cohort.genuine.similarity < np.float32(similarity)).mean())
    share = clopper_pearson(hits, cohort.impostors.pairs)
    people = interval(drawn)
    return CohortRate(cohort.name, similarity, hits, cohort.impostors.pairs, share, people, fnmr, cohort.askew)


def similarity_at(cohort: Cohort, fmr: float) -> float:
    """Returns the lowest similarity that at most `fmr` of a cohort's impostor pairs reach.

    Where that lies below the pairs that were kept: the lowest of these, 1 if there are none. It errs towards shut.
    """
    allowed, kept = int(np.floor(fmr * cohort.impostors.pairs)), cohort.impostors.similarity
    if allowed >= len(kept):
        return float(kept.min(initial=1.0))
    return float(np.nextafter(kept[allowed], np.float32(2)))
