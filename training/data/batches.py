"""Batches of rows: P people with K pictures each, and the rest from everybody, named or not.

Where there are imitations (skilled forgeries of signatures), the rest imitate the people in the batch: hard negatives.

Each batch is drawn by a generator of its own from (seed, rank, step). So it is the same whichever worker draws it, a
resumed run goes on as it would have, and the ranks of a distributed run see different ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.data.collection import Collection, by_person
from training.data.errors import DataError
from training.data.mining import HardPeople

Varied: TypeAlias = Callable[[int, int | None, np.random.Generator], tuple[NDArray[Any], bool]]
"""`training.sources.Source.varied`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What batches are made of."""

    size: int = 64  # pictures
    people: int = 12  # who come with several pictures
    each: int = 2  # pictures of each of them
    temperature: float = 0.0  # people are drawn by (number of pictures) ^ this: 0 all alike, 1 as there are pictures
    hard: float = 0.0  # share of batches whose people are near each other, once these are known

    def __post_init__(self) -> None:
        if self.size < 1 or self.people < 0 or self.each < 1 or self.people * self.each > self.size:
            raise DataError(f"a batch of {self.size} has no room for {self.people} people with {self.each} pictures")
        if not 0 <= self.temperature <= 1 or not 0 <= self.hard <= 1:
            raise DataError(f"temperature and hard are between 0 and 1, not {self.temperature} and {self.hard}")


class Sampler:
    """Draws the rows of batches.

    Args:
        collection: whose training rows.
        plan: what is in a batch.
        seed: of everything that is drawn.
        rank: which of `ranks` processes this is for.
        ranks: how many draw batches of their own.
        hard: who is near whom; wanted where the plan has hard batches.

    Raises:
        DataError: fewer people with two pictures than a batch wants, no rows, or hard batches without `hard`.
    """

    def __init__(
        self,
        collection: Collection,
        plan: Plan,
        *,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        hard: HardPeople | None = None,
    ) -> None:
        mine = by_person(collection, collection.train, least=2)
        if len(mine) < plan.people:
            raise DataError(
                f"a batch wants {plan.people} people with two pictures, training has {len(mine)}: lower `people`"
            )
        if not len(collection.train):
            raise DataError("there are no training rows")
        if plan.hard and hard is None:
            raise DataError("hard batches want to know who is near whom: give the sampler a HardPeople")
        self._train, self._plan, self._hard = collection.train, plan, hard
        self._seed, self._rank, self._ranks = seed, rank, ranks
        self._people = list(mine.values())
        self._imitations = [_imitations(collection, person) for person in mine]
        weight = np.array([len(rows) for rows in self._people], np.float64) ** plan.temperature
        self._chance = weight / weight.sum() if len(weight) else weight
        self._shuffled = lru_cache(maxsize=2)(self._shuffle)

    def random(self, step: int) -> np.random.Generator:
        """Returns the generator of one step, at its beginning."""
        return np.random.default_rng((self._seed, self._rank, step))

    def rows(self, step: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Returns (size,) rows: the people's pictures first, K and K, then imitations of them, or else everybody's."""
        plan = self._plan
        who = self._who(step, random).tolist() if plan.people else []
        named = [
            random.choice(rows, plan.each, replace=len(rows) < plan.each) for rows in (self._people[i] for i in who)
        ]
        imitated = [self._imitations[i] for i in who if len(self._imitations[i])]
        return np.concatenate([*named, self._imitating(imitated, random) if imitated else self._rest(step)])

    def _who(self, step: int, random: np.random.Generator) -> NDArray[np.int64]:
        count = self._plan.people
        drawn = random.choice(len(self._people), count, replace=False, p=self._chance)
        if self._hard is None or random.random() >= self._plan.hard:
            return np.asarray(drawn, np.int64)
        near = self._hard.near(int(drawn[0]), step=step)
        near = random.permutation(near[: 2 * count])[: count - 1]  # not the same ones each time
        others = drawn[1:][~np.isin(drawn[1:], near)]
        return np.asarray(np.concatenate([drawn[:1], near, others])[:count], np.int64)

    def _imitating(self, imitated: list[NDArray[np.int64]], random: np.random.Generator) -> NDArray[np.int64]:
        """Returns as many imitations of each person as there is room for."""
        count = self._plan.size - self._plan.people * self._plan.each
        shares = np.bincount(
            random.permutation(len(imitated))[np.arange(count) % len(imitated)], minlength=len(imitated)
        )
        drawn = [random.choice(rows, n, replace=len(rows) < n) for rows, n in zip(imitated, shares, strict=True)]
        return np.asarray(np.concatenate(drawn), np.int64)

    def _rest(self, step: int) -> NDArray[np.int64]:
        """Everybody in turn: the ranks go through one shuffled order, and through another when it is used up."""
        count = self._plan.size - self._plan.people * self._plan.each
        first = (step * self._ranks + self._rank) * count
        places = np.arange(first, first + count)
        rounds, at = np.divmod(places, len(self._train))
        return np.array([self._shuffled(int(r))[a] for r, a in zip(rounds, at, strict=True)], np.int64)

    def _shuffle(self, round_: int) -> NDArray[np.int64]:
        # apart from the generators of steps, which have a third number >= 0 as well, but rank < ranks
        return np.random.default_rng((self._seed, self._ranks, round_)).permutation(self._train)


def _imitations(collection: Collection, person: int) -> NDArray[np.int64]:
    if collection.rival is None:
        return np.empty(0, np.int64)
    return np.asarray(collection.train[collection.rival[collection.train] == person], np.int64)


def drawn(
    sampler: Sampler, varied: Varied, side: int | None, step: int
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]:
    """Returns a step's (B,) rows, (B, ...) of what they might have been another time, and (B,) where left is left."""
    random = sampler.random(step)
    rows = sampler.rows(step, random)
    samples, plain = zip(*(varied(int(row), side, random) for row in rows), strict=True)
    return rows, np.stack(samples), np.array(plain)
