"""Who is trained on and who is tested on: by person, never by picture, and the same whoever else is there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.data.collection import Collection
from training.data.errors import DataError

LEAST_PEOPLE = 2
"""On each side: one person alone has nobody to be told from."""
LEAST_VALIDATED = 6
"""Fewer strangers make no table of false match rates; but no more than a third of the people."""


def place(name: str, seed: int = 0) -> float:
    """Returns a number in 0..1 that depends on the name and the seed alone, evenly spread over names."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def held_out(names: Sequence[str], share: float, *, seed: int = 0, least: int = LEAST_PEOPLE) -> set[str]:
    """Returns who is held out: those whose place is below `share`, so that a newcomer moves nobody else.

    In small sets, where that would be hardly anybody or nearly all, the nearest are added or left.

    Raises:
        DataError: too few people, or a share outside of 0..1.
    """
    people = sorted(set(names), key=lambda name: (place(name, seed), name))
    if not 0 < share < 1:
        raise DataError(f"a share of {share} cannot be held out: want a number between 0 and 1, such as 0.1")
    if len(people) < 2 * LEAST_PEOPLE:
        raise DataError(
            f"{len(people)} people cannot be split: want {LEAST_PEOPLE} or more to train on and as many to validate on"
        )
    count = sum(place(name, seed) < share for name in people)
    least = max(LEAST_PEOPLE, min(least, len(people) // 3))
    return set(people[: min(max(count, least), len(people) - LEAST_PEOPLE)])


def split(collection: Collection, share: float = 0.1, *, seed: int = 0, least: int = LEAST_PEOPLE) -> Collection:
    """Returns the same collection with its people split anew; rows that were in neither split stay out.

    Who is held out needs two pictures, and an owner who did not say `train`; pictures of unknown people are trained on.

    Args:
        collection: of whatever split.
        share: of the people with two pictures or more, held out for validation.
        seed: another one holds out others.
        least: so many are held out of a small set, but no more than a third.

    Raises:
        DataError: too few people to hold some out.
    """
    rows = np.union1d(collection.train, collection.val)
    named = rows[collection.identity[rows] >= 0]
    people, count = np.unique(collection.identity[named], return_counts=True)
    names = [collection.names[person] for person in people[count > 1] if person not in collection.bound]
    if collection.bound and len(names) < 2 * LEAST_PEOPLE:
        raise DataError(
            f"nobody is marked `val`, and {len(names)} people with two pictures are not marked `train`: nobody can be "
            f"held out; mark {LEAST_VALIDATED} or more `val`, or leave the split of {2 * LEAST_PEOPLE} or more empty"
        )
    chosen = held_out(names, share, seed=seed, least=least)
    out = np.array([name in chosen for name in collection.names] + [False], bool)  # -1 takes the last
    val = out[collection.identity[rows]]
    return replace(collection, train=rows[~val], val=rows[val])


def ensure_split(collection: Collection, share: float = 0.1) -> Collection:
    """Returns the collection as it is where its owner said who is for validation, else `split`, for all presets alike.

    So weights and blends that one preset has made of the training people know none whom another validates on.
    """
    return collection if len(collection.val) else split(collection, share, least=LEAST_VALIDATED)
