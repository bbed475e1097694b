"""The pairs of a set of pictures: genuine ones, and the most similar of the impostors, with who they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.evaluation.bounds import Genuine, Impostors

BLOCK = 512


def genuine_pairs(vectors: NDArray[np.float32], identity: NDArray[np.int64]) -> Genuine:
    """Returns all pairs of pictures of one person among (N, D) unit rows."""
    _, person = np.unique(identity, return_inverse=True)
    order = np.argsort(person, kind="stable")
    similarity, owner = [], []
    for number, rows in enumerate(np.split(order, np.cumsum(np.bincount(person))[:-1])):
        mine = (vectors[rows] @ vectors[rows].T)[np.triu_indices(len(rows), 1)]
        similarity.append(mine)
        owner.append(np.full(len(mine), number))
    return Genuine(np.concatenate(similarity), np.concatenate(owner))


def impostor_pairs(
    vectors: NDArray[np.float32],
    identity: NDArray[np.int64],
    *,
    floor: float,
    teacher: NDArray[np.float16] | None = None,
    same_person: float = 2.0,
) -> Impostors:
    """Returns the pairs of different people that are at least as similar as `floor`.

    Args:
        vectors: (N, D) unit rows.
        identity: (N,); where nobody knows who is who, each picture is a person of its own (`np.arange(N)`).
        floor: similarity; what lies below is only counted.
        teacher: (N, T) unit rows of the reference encoders, where nobody knows who is who.
        same_person: pairs that are as similar as this to `teacher` are left out: perhaps they show one person.
    """
    _, person = np.unique(identity, return_inverse=True)
    found: list[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]] = []
    compared, total = 0, 0.0
    for start, different in _different(person, teacher, same_person):
        block = vectors[start : start + BLOCK] @ vectors.T  # (BLOCK, N)
        compared += int(different.sum())
        total += float(block.sum(where=different, dtype=np.float64))
        row, column = np.nonzero(different & (block >= floor))
        found.append((block[row, column], person[row + start], person[column]))
    similarity, first, second = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(-similarity, kind="stable")
    return Impostors(
        similarity[order], first[order], second[order], np.bincount(person), compared, total / max(compared, 1)
    )


def _different(
    person: NDArray[np.int64], teacher: NDArray[np.float16] | None, same_person: float
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yields block after block of rows, which (BLOCK, N) pairs are of different people; each pair once."""
    everybody = None if teacher is None else teacher.astype(np.float32)
    for start in range(0, len(person), BLOCK):
        mine = person[start : start + BLOCK]
        different = np.arange(len(person))[None, :] > np.arange(start, start + len(mine))[:, None]
        different &= mine[:, None] != person[None, :]
        if everybody is not None:
            different &= everybody[start : start + BLOCK] @ everybody.T < same_person
        yield start, different
