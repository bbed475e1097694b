"""How alike the people of a site are: every pair scored in a space that neither of the two had a part in.

A space that is fitted to people and then looked at with the same people flatters itself: around their own mean
strangers are less alike than anybody will ever be. So people are put into blocks, and each pair of blocks is scored in
the space fitted to all the others; with ten people or fewer, a block is one person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.gallery.space import Space
from agent.gallery.tail import Doubles
from agent.types import Floats

Ints: TypeAlias = NDArray[np.intp]
Fit: TypeAlias = Callable[[Floats, Ints], Space]
"""Makes a space from (N, D) vectors and (N,) whose they are."""

BLOCKS, BLOCKS_OF_MANY, MANY = 10, 6, 30
"""Ten blocks of few people, for each counts in the space; six of many, for each costs a space."""
GRID: Doubles = np.round(np.arange(-1.0, 1.0, 0.01), 2)
"""Cosines at which rates are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Elevations (arcsines of the cosines, radians), each two people counting once, whatever photos there are."""

    mean: Doubles  # (P, P) of the photos of one with those of the other; of nobody with themselves: 0
    square: Doubles  # (P, P) mean of the squares, likewise
    above: Doubles  # (G,) share of the strangers at or above each cosine of GRID
    genuine: Doubles  # (M,) photos of one person with each other
    whose: Ints  # (M,)

    @property
    def people(self) -> int:
        """P."""
        return len(self.mean)

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of strangers."""
        pairs = self.people * (self.people - 1)
        mean = self.mean.sum() / pairs
        return float(mean), float(np.sqrt(max(self.square.sum() / pairs - mean**2, 1e-12)))

    def moments_without(self) -> tuple[Doubles, Doubles]:
        """The same, (P,) each, without each person in turn."""
        pairs = (self.people - 1) * (self.people - 2)
        mean = (self.mean.sum() - 2 * self.mean.sum(axis=1)) / pairs
        square = (self.square.sum() - 2 * self.square.sum(axis=1)) / pairs
        return mean, np.sqrt(np.maximum(square - mean**2, 1e-12))

    def genuine_of(self) -> tuple[Ints, Doubles]:
        """Who has two photos or more, (Q,), and how alike these are in the mean, (Q,)."""
        count = np.bincount(self.whose, minlength=self.people)
        total = np.bincount(self.whose, self.genuine, minlength=self.people)
        who = np.flatnonzero(count)
        return who, total[who] / count[who]


def cross_scores(vectors: Floats, people: Ints, fit: Fit) -> Scores:
    """Return how alike `people` are, each pair in a space fitted without the two.

    Args:
        vectors: (N, D) float32 of unit length, by person.
        people: (N,) 0 to P - 1, ascending, P at least 3.
        fit: makes a space.
    """
    count = int(people[-1]) + 1
    # In a fixed random order, for folders often come sorted: by age, department or family
    block, blocks = np.empty(count, np.intp), BLOCKS_OF_MANY if count > MANY else BLOCKS
    block[np.random.default_rng(0).permutation(count)] = np.arange(count) * min(blocks, count) // count
    mean, square = np.zeros((count, count)), np.zeros((count, count))
    above = np.zeros(len(GRID))
    genuine, whose = [np.zeros(0)], [np.zeros(0, np.intp)]
    for a in range(block.max() + 1):
        for b in range(a + 1):
            mine, theirs = np.flatnonzero(block[people] == a), np.flatnonzero(block[people] == b)
            rest = (block[people] != a) & (block[people] != b)
            space = fit(vectors[rest], people[rest])
            cosines = (space(vectors[mine]) @ space(vectors[theirs]).T).astype(np.float64)
            elevations = np.arcsin(np.clip(cosines, -1, 1))
            first, second = people[mine], people[theirs]
            if a == b:
                once = (first[:, None] == second[None, :]) & (mine[:, None] < theirs[None, :])
                genuine.append(elevations[once])
                whose.append(np.broadcast_to(first[:, None], elevations.shape)[once])
            _gather(elevations, first, second, (mean, square))
            above += _above(cosines, first, second)
    return Scores(mean, square, above / (count * (count - 1)), np.concatenate(genuine), np.concatenate(whose))


def _gather(elevations: Doubles, first: Ints, second: Ints, moments: tuple[Doubles, Doubles]) -> None:
    """Adds a block of photos against photos to the people's moments, both ways."""
    rows, row_starts, row_counts = np.unique(first, return_index=True, return_counts=True)
    columns, column_starts, column_counts = np.unique(second, return_index=True, return_counts=True)
    each = row_counts[:, None] * column_counts[None, :]
    strangers = rows[:, None] != columns[None, :]
    for moment, values in zip(moments, (elevations, elevations**2), strict=True):
        sums = np.add.reduceat(np.add.reduceat(values, row_starts, axis=0), column_starts, axis=1)
        part = np.where(strangers, sums / each, 0.0)
        moment[np.ix_(rows, columns)] = part
        moment[np.ix_(columns, rows)] = part.T


def _above(cosines: Doubles, first: Ints, second: Ints) -> Doubles:
    """How much of the strangers lies at or above each cosine of GRID, (G,): 1 for two people, each way."""
    weight = np.outer(1 / np.bincount(first)[first], 1 / np.bincount(second)[second])
    weight[first[:, None] == second[None, :]] = 0.0
    # The last point of the grid that a cosine reaches; a billionth more, for points of the grid are no exact numbers
    reached = np.clip(np.floor((cosines + 1) * 100 + 1e-9), 0, len(GRID) - 1).astype(np.intp)
    held = np.bincount(reached.ravel(), weight.ravel(), minlength=len(GRID))
    both_ways = 1.0 if np.array_equal(first, second) else 2.0  # within a block two people are met twice
    return np.asarray(both_ways * np.cumsum(held[::-1])[::-1])
