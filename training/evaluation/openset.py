"""Open-set identification: people who are enrolled and people who are not ask to be let in (ISO/IEC 19795-1).

FPIR, the false positive identification rate: the share of searches by people who are not enrolled that reach the
threshold with anybody. FNIR, the false negative identification rate: the share of searches by enrolled people whose
most similar person is another, or is not similar enough. A person is as similar as their most similar template, as in
`agent/gallery/match.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZES = (10, 100, 1000)
FPIRS = (1e-1, 1e-2, 1e-3)
GRID = np.geomspace(1e-4, 1.0, 61)
"""False positive identification rates that the curves are drawn at."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenSet:
    """The figures of one size of gallery, means over galleries drawn anew."""

    people: int
    templates: float
    mated: int  # searches a gallery by enrolled people, on average
    strangers: int  # and by others
    rank1: float  # share of mated searches whose most similar person is the right one
    fnir: dict[float, tuple[float, float]]  # by FPIR: mean, and standard deviation over galleries
    curve: NDArray[np.float64]  # (61,) mean FNIR at GRID; NaN where strangers are too few


@dataclass(frozen=True, slots=True, eq=False)
class _Searches:
    right: NDArray[np.bool_]  # (M,) the most similar person is the right one
    mated: NDArray[np.float32]  # (M,) the similarity of that person
    strangers: NDArray[np.float32]  # (S,) sorted upwards
    templates: int

    def fnir(self, fpir: float) -> float:
        """Returns FNIR where at most so many strangers get in; NaN where they are too few to show that."""
        allowed = int(np.floor(fpir * len(self.strangers)))
        if allowed < 1:
            return float("nan")
        if allowed >= len(self.strangers):
            return float(1 - self.right.mean())
        beyond = self.strangers[len(self.strangers) - 1 - allowed]
        return float(1 - (self.right & (self.mated > beyond)).mean())


def open_set(
    vectors: NDArray[np.float32],
    identity: NDArray[np.int64],
    *,
    sizes: Sequence[int] = SIZES,
    enrol: int = 3,
    galleries: int = 20,
    seed: int = 0,
) -> list[OpenSet]:
    """Returns figures by size of gallery; a size that leaves nobody outside is left out.

    Args:
        vectors: (N, D) unit rows.
        identity: (N,)
        sizes: people enrolled. Drawn from those with more than `enrol` pictures, whose other pictures search; where
            they are too few, the others come in too, with what they have, and nobody searches for them.
        enrol: templates a person.
        galleries: drawn for each size; large ones, with more searches each, are fewer.
        seed: of the draw.
    """
    _, person = np.unique(identity, return_inverse=True)
    rows = np.split(np.argsort(person, kind="stable"), np.cumsum(np.bincount(person))[:-1])
    random = np.random.default_rng(seed)
    return [
        _average(size, [_search(vectors, rows, size, enrol, random) for _ in range(_galleries(size, galleries))])
        for size in sizes
        if size < len(rows)
    ]


def _galleries(size: int, wanted: int) -> int:
    """Returns fewer for large galleries, which hold many more searches each."""
    return max(3, min(wanted, wanted * 100 // size))


def _search(
    vectors: NDArray[np.float32],
    rows: Sequence[NDArray[np.intp]],
    size: int,
    enrol: int,
    random: np.random.Generator,
) -> _Searches:
    """Returns what one gallery, drawn anew, says to all pictures that are not in it."""
    order = random.permutation(len(rows))
    many = np.array([len(rows[one]) > enrol for one in order])
    enrolled = np.concatenate([order[many], order[~many]])[:size]
    mixed = [random.permutation(rows[one]) for one in enrolled]
    templates = np.concatenate([mine[:enrol] for mine in mixed])
    starts = np.cumsum([0, *(min(enrol, len(mine)) for mine in mixed[:-1])])
    probes = np.concatenate([mine[enrol:] for mine in mixed])
    owner = np.repeat(np.arange(size), [max(0, len(mine) - enrol) for mine in mixed])
    outside = np.concatenate([rows[one] for one in np.setdiff1d(order, enrolled)])
    mated = _nearest(vectors[probes], vectors[templates], starts)
    strangers = _nearest(vectors[outside], vectors[templates], starts)
    return _Searches(mated[0] == owner, mated[1], np.sort(strangers[1]), len(templates))


def _nearest(
    probes: NDArray[np.float32], templates: NDArray[np.float32], starts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Returns (P,) the most similar person, and how similar; person i's templates begin at `starts[i]`."""
    best: list[NDArray[np.intp]] = []
    similarity: list[NDArray[np.float32]] = []
    for block in np.array_split(probes, max(1, len(probes) // 1024)):
        people = np.maximum.reduceat(block @ templates.T, starts, axis=1)  # (B, size)
        best.append(people.argmax(1))
        similarity.append(people.max(1))
    return np.concatenate(best), np.concatenate(similarity)


def _average(size: int, runs: Sequence[_Searches]) -> OpenSet:
    fnir = {}
    for fpir in FPIRS:
        values = np.array([run.fnir(fpir) for run in runs])
        fnir[fpir] = (float(values.mean()), float(values.std(ddof=1)))
    return OpenSet(
        people=size,
        templates=float(np.mean([run.templates for run in runs])),
        mated=round(float(np.mean([len(run.right) for run in runs]))),
        strangers=round(float(np.mean([len(run.strangers) for run in runs]))),
        rank1=float(np.mean([run.right.mean() for run in runs])),
        fnir=fnir,
        curve=np.array([np.mean([run.fnir(fpir) for run in runs]) for fpir in GRID]),
    )
