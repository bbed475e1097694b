"""Hard negatives over the whole set: who is taken for whom, by what the net thinks of everybody at the moment.

Losses find the hard pairs of a batch; in a batch of 64 there are few. So the nearest people of everybody are looked up
from time to time, and some batches are made of people who are near each other (Smirnov et al. 2018, doppelganger
mining). Everything is a product of blocks of matrices.
"""

from __future__ import annotations

import multiprocessing
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.data.collection import Collection, by_person
from training.data.errors import DataError

Floats: TypeAlias = NDArray[np.float32]
BLOCK = 1024  # rows at once: with 63,000 others 260 MB of similarities


def nearest_others(
    vectors: Floats, identity: NDArray[np.int64], *, count: int, ceiling: float = 1.0
) -> tuple[NDArray[np.int64], Floats]:
    """Returns (N, count) numbers of the nearest rows that show somebody else, nearest first, and their cosines.

    Args:
        vectors: (N, D) unit rows.
        identity: (N,); -1 is nobody known: nobody's other, and given -1 throughout.
        count: how many; where there are fewer, -1 and a cosine of -1 stand.
        ceiling: others above this cosine are left out: so near, a label is wrong more often than a net.
    """
    found = np.full((len(vectors), count), -1, np.int64)
    cosines = np.full((len(vectors), count), -1, np.float32)
    known = np.flatnonzero(identity >= 0)
    take = min(count, len(known))
    columns = np.ascontiguousarray(vectors[known].T)
    for start in range(0, len(known) if take else 0, BLOCK):
        rows = known[start : start + BLOCK]
        block = vectors[rows] @ columns  # (BLOCK, K)
        block[(identity[rows, None] == identity[known]) | (block > ceiling)] = -np.inf
        best = np.argpartition(block, -take, axis=1)[:, -take:]
        order = np.argsort(-np.take_along_axis(block, best, 1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, 1)
        cosine = np.take_along_axis(block, best, 1)
        real = np.isfinite(cosine)
        found[rows, :take] = np.where(real, known[best], -1)
        cosines[rows, :take] = np.where(real, cosine, -1)
    return found, cosines


def centres(vectors: Floats, person: NDArray[np.int64], people: int) -> Floats:
    """Returns (people, D) unit rows: the direction in which the (N, D) vectors of each person lie."""
    sums = np.zeros((people, vectors.shape[1]), np.float32)
    np.add.at(sums, person, vectors)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), np.float32)


class HardPeople:
    """The nearest other people of everybody in training. The loop refreshes it, samplers in other processes read it.

    A refresh counts from a step on, and the table before it is kept for the batches before that step: workers draw
    ahead, and what they draw must not depend on how fast they are. So of two tables each refresh replaces the older,
    and waits until no batch wants that any more (`settled`).

    Args:
        collection: whose training rows.
        count: how many near people of each are kept.
        ceiling: see `nearest_others`; for centres, that is people who may be one.

    Raises:
        DataError: fewer than two people have two pictures.
    """

    def __init__(self, collection: Collection, *, count: int = 32, ceiling: float = 1.0) -> None:
        mine = by_person(collection, collection.train, least=2)
        if len(mine) < 2:
            raise DataError(f"hard people want two with two pictures in training, there are {len(mine)}")
        self.people = np.array(list(mine), np.int64)
        self.rows = np.concatenate(list(mine.values()))
        """(R,) rows whose embeddings `refresh` wants, in this order."""
        self._person = np.repeat(np.arange(len(mine)), [len(rows) for rows in mine.values()])
        self._count, self._ceiling = min(count, len(mine) - 1), ceiling
        context = multiprocessing.get_context("fork")
        shape = (2, len(mine), self._count)
        self._tables = np.frombuffer(context.RawArray("q", int(np.prod(shape))), np.int64).reshape(shape)
        self._since = np.frombuffer(context.RawArray("q", 2), np.int64)  # step from which each table counts
        self._since[:] = -1  # never filled

    def refresh(self, embeddings: Floats, *, step: int = 0) -> None:
        """Looks up everybody's neighbours anew.

        Args:
            embeddings: (R, D) unit rows, of the pictures `rows`.
            step: the first one whose batch may know. With a loader: the present step plus `Loader.ahead`.
        """
        if len(embeddings) != len(self.rows):
            raise ValueError(f"want {len(self.rows)} embeddings, of `rows`, got {len(embeddings)}")
        middle = centres(np.asarray(embeddings, np.float32), self._person, len(self.people))
        near, _ = nearest_others(middle, np.arange(len(self.people)), count=self._count, ceiling=self._ceiling)
        older = int(np.argmin(self._since))
        self._tables[older] = near
        self._since[older] = step

    def settled(self, step: int) -> bool:
        """Returns whether the last refresh counts at a step already, so that batches from there on leave the older."""
        return int(self._since.max()) <= step

    def state(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns both tables (2, P, K), and (2,) the steps from which they count: all that `near` goes by."""
        return self._tables.copy(), self._since.copy()

    def go_on(self, tables: NDArray[np.int64], since: NDArray[np.int64]) -> None:
        """Takes on what `state` returned.

        Raises:
            ValueError: it is of other people.
        """
        if tables.shape != self._tables.shape:
            raise ValueError(f"want near people as {self._tables.shape}, got {tables.shape}: of other training data?")
        self._tables[:] = tables
        self._since[:] = since

    def near(self, person: int, *, step: int = 0) -> NDArray[np.int64]:
        """Returns numbers of people (as in `people`) near number `person`, nearest first; none before a refresh."""
        since = np.where((self._since >= 0) & (self._since <= step), self._since, -1)
        if since.max() < 0:
            return np.empty(0, np.int64)
        row = self._tables[int(np.argmax(since)), person]
        return np.asarray(row[row >= 0])
