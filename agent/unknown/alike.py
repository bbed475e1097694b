"""Puts pictures of the same stranger together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.gallery.space import Space
from agent.unknown.album import Stranger


def groups(strangers: Sequence[Stranger], space: Space, threshold: float) -> list[list[Stranger]]:
    """Returns the pictures, each with those that it looks like: it goes to the group whose mean is most like it.

    Args:
        strangers: of one encoder, in the order of the groups to be, the newest first.
        space: where faces are compared.
        threshold: cosine from which two are the same person, more likely than not.
    """
    if not strangers:
        return []
    vectors = space(np.stack([each.embedding.vector for each in strangers]))  # (N, D)
    means, made = np.zeros_like(vectors), list[list[Stranger]]()
    for stranger, vector in zip(strangers, vectors, strict=True):
        cosines = means[: len(made)] @ vector  # (G,)
        nearest = int(cosines.argmax()) if made else 0
        if not made or cosines[nearest] < threshold:
            means[len(made)] = vector
            made.append([stranger])
            continue
        made[nearest].append(stranger)
        total = means[nearest] * (len(made[nearest]) - 1) + vector
        means[nearest] = total / max(float(np.linalg.norm(total)), 1e-9)
    return made
