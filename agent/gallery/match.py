"""Exact nearest-person search over an immutable snapshot of the enrolled people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agent.gallery.coarse import NORM_TOLERANCE, Coarse
from agent.gallery.space import AS_ENCODED, Space
from agent.types import Floats, Match

NO_SECOND_MARGIN = 2.0
"""The widest margin two cosines can have: what a match has where there is nobody else."""
NOT_SIMILAR = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The templates of one model, sorted by person. Make it with `build` or `empty`.

    A person is as similar as the most similar of their templates. Where two people are equally similar, the one who
    comes first in `people` is the nearer. Templates and probes come as the encoder makes them; they are compared in
    `space`.
    """

    model: str  # id of the encoder that made the vectors
    people: tuple[str, ...]
    vectors: Floats  # (N, D) float32, unit length, in `space`, by owner; not writeable
    owners: NDArray[np.intp]  # (N,) indices into `people`, ascending; not writeable
    _coarse: Coarse
    space: Space

    @classmethod
    def build(
        cls,
        model: str,
        people: Sequence[str],
        vectors: Floats,
        owners: Sequence[int] | NDArray[np.intp],
        space: Space = AS_ENCODED,
    ) -> Self:
        """Return a gallery of `vectors` (N, D) float32 of unit length, the i-th being of `people[owners[i]]`."""
        matrix, index = np.asarray(vectors, np.float32), np.asarray(owners, np.intp)
        _check(people, matrix, index)
        matrix = space(matrix)
        order = np.argsort(index, kind="stable")
        matrix, index = np.ascontiguousarray(matrix[order]), index[order]
        matrix.setflags(write=False)
        index.setflags(write=False)
        return cls(model, tuple(people), matrix, index, Coarse(matrix), space)

    @classmethod
    def empty(cls, model: str, space: Space = AS_ENCODED) -> Self:
        """Return a gallery of nobody."""
        none = np.zeros((0, space.dimension or 1), np.float32)
        return cls.build(model, (), none, (), space)

    def without(self, person: str) -> Self:
        """Return a gallery of everybody else."""
        if person not in self.people:
            return self
        index = self.people.index(person)
        keep = self.owners != index
        owners = self.owners[keep]
        others = [name for name in self.people if name != person]
        rest = self.build(self.model, others, self.vectors[keep], owners - (owners > index))
        return replace(rest, space=self.space)  # in which the vectors are already

    def only(self, person: str) -> Self:
        """Return a gallery of this person alone; of nobody where the person is not there."""
        mine = self.of(person)
        people = (person,) if len(mine) else ()
        alone = self.build(self.model, people, mine, np.zeros(len(mine), np.intp))
        return replace(alone, space=self.space)  # in which the vectors are already

    def of(self, person: str) -> Floats:
        """Return a person's templates in `space`, (N, D); none of whom is not there."""
        if person not in self.people:
            return self.vectors[:0]
        return self.vectors[self._of_owner(np.intp(self.people.index(person)))]

    @property
    def templates(self) -> int:
        """How many vectors a probe is compared with."""
        return len(self.owners)

    def nearest(self, vector: Floats) -> Match:
        """Return the person nearest to `vector` (D,) of unit length, and the nearest other person."""
        best = self.ranked(vector, 2)
        if not best:
            return Match(None, NOT_SIMILAR, None, NO_SECOND_MARGIN)
        person, similarity = best[0]
        if len(best) == 1:
            return Match(person, similarity, None, NO_SECOND_MARGIN)
        second, runner_up = best[1]
        return Match(person, similarity, second, similarity - runner_up)

    def ranked(self, vector: Floats, k: int) -> list[tuple[str, float]]:
        """Return the `k` people nearest to `vector` (D,) of unit length with their cosines, nearest first."""
        if not self.templates or k <= 0:
            return []
        probe = self._placed(vector)
        near = self._candidates(probe, k)
        # Products and sums in float64 and row by row, so that equal templates are exactly equal wherever they stand
        cosines = (self.vectors[near].astype(np.float64) * probe).sum(axis=1)
        best: dict[str, float] = {}
        for i in np.argsort(-cosines, kind="stable"):
            best.setdefault(self.people[self.owners[near[i]]], min(max(float(cosines[i]), -1.0), 1.0))
            if len(best) == k:
                break
        return list(best.items())

    def _candidates(self, probe: Floats, k: int) -> NDArray[np.intp]:
        """Return every template that can be the best one of one of the best `k` people, ascending."""
        scores, slack = self._coarse.scores(probe)
        leaders = []
        for _ in range(min(k, len(self.people))):
            first = int(scores.argmax())
            kth = scores[first]
            leaders.append(self._of_owner(self.owners[first]))
            scores[leaders[-1]] = -np.inf
        # k people are surely no worse than `kth - slack`, and nobody is better than they look plus `slack`
        near = scores >= kth - 2 * slack
        for leader in leaders:
            near[leader] = True
        return np.flatnonzero(near)

    def _of_owner(self, owner: np.intp) -> slice:
        start, end = np.searchsorted(self.owners, (owner, owner + 1))
        return slice(int(start), int(end))

    def _placed(self, vector: Floats) -> Floats:
        probe = np.asarray(vector, np.float32)
        want = (self.space.takes(self.vectors.shape[1]),)
        if probe.shape != want:
            raise ValueError(f"a probe for {self.model} has the shape {want}, got {probe.shape}")
        if not abs(float(np.linalg.norm(probe)) - 1) <= NORM_TOLERANCE:  # true of NaN too
            raise ValueError("a probe has unit length and no NaN")
        return self.space(probe)


def _check(people: Sequence[str], vectors: Floats, owners: NDArray[np.intp]) -> None:
    if vectors.ndim != 2 or owners.shape != vectors.shape[:1]:  # noqa: PLR2004 - a matrix
        raise ValueError(f"want vectors (N, D) and owners (N,), got {vectors.shape} and {owners.shape}")
    if len(set(people)) != len(people):
        raise ValueError("a person is in the gallery twice")
    if len(owners) and not 0 <= owners.min() <= owners.max() < len(people):
        raise ValueError(f"owners are indices into {len(people)} people, got {owners.min()} to {owners.max()}")
    if not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) <= NORM_TOLERANCE):
        raise ValueError("the vectors of a gallery have unit length and no NaN")
