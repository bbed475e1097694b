"""Pairs and triplets of rows: what a siamese net is asked about, half of it matching and half of it not."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.data.collection import Collection, by_person
from training.data.errors import DataError

Rows: TypeAlias = NDArray[np.int64]


class Pairs:
    """Draws pairs and triplets from some rows of a collection. Every person counts the same, not every picture.

    Args:
        collection: whose people.
        rows: those to draw from; rows of unknown people are not used.

    Raises:
        DataError: fewer than two people, or nobody with two pictures.
    """

    def __init__(self, collection: Collection, rows: Rows) -> None:
        people = by_person(collection, rows)
        self._all = list(people.values())
        self._many = [number for number, mine in enumerate(self._all) if len(mine) > 1]
        if len(self._all) < 2 or not self._many:
            raise DataError(
                f"pairs want two people, and one of them with two pictures: there are {len(self._all)} people, "
                f"{len(self._many)} of them with two"
            )

    def draw(self, count: int, random: np.random.Generator) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        """Returns (count,) rows, (count,) other rows, and whether they show the same person: every second pair does."""
        same = np.arange(count) % 2 == 0
        first, second = np.empty(count, np.int64), np.empty(count, np.int64)
        for number in range(count):
            anchor, match, other = self._triplet(random)
            first[number], second[number] = anchor, match if same[number] else other
        return first, second, same

    def triplets(self, count: int, random: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        """Returns (count,) anchors, (count,) other pictures of the same people, and (count,) of others."""
        drawn = np.array([self._triplet(random) for _ in range(count)], np.int64).reshape(-1, 3)
        return drawn[:, 0], drawn[:, 1], drawn[:, 2]

    def _triplet(self, random: np.random.Generator) -> tuple[int, int, int]:
        who = self._many[int(random.integers(len(self._many)))]
        anchor, match = random.choice(self._all[who], 2, replace=False)
        other = int(random.integers(len(self._all) - 1))
        other += other >= who  # everybody else, evenly
        return int(anchor), int(match), int(random.choice(self._all[other]))


def every_pair(identity: NDArray[np.int64]) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Returns all N (N - 1) / 2 pairs of (N,) identities, none of them -1, and whether each matches."""
    first, second = np.triu_indices(len(identity), 1)
    return first.astype(np.int64), second.astype(np.int64), identity[first] == identity[second]
