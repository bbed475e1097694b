"""Puts pictures of the same stranger together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.gallery.space import Space
from agent.unknown.album import Stranger


def groups(strangers: Sequence[Stranger], space: Space, threshold: float) -> list[list[Stranger]]:
    """Returns the pictures, each with those that it looks like: it goes to the group that is most like it on average.

    Args:
        strangers: of one encoder, in the order of the groups to be, the newest first.
        space: where faces are compared.
        threshold: cosine from which two are the same person, more likely than not.
    """
    if not strangers:
        return []
    vectors = space(np.stack([each.embedding.vector for each in strangers]))  # (N, D)
    cosines = vectors @ vectors.T  # (N, N)
    sums, made = np.zeros_like(cosines), list[list[Stranger]]()  # (G, N): of the cosines to all in a group
    sizes = np.ones(len(strangers), np.float32)
    for number, stranger in enumerate(strangers):
        alike = sums[: len(made), number] / sizes[: len(made)]  # (G,)
        nearest = int(alike.argmax()) if made else 0
        if made and alike[nearest] >= threshold:
            made[nearest].append(stranger)
            sizes[nearest] += 1
        else:
            nearest = len(made)
            made.append([stranger])
        sums[nearest] += cosines[number]
    return made
