"""Mean faces of groups of alike people, by which the agent says how common a face is: see `agent.gallery.anchors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from agent.gallery.anchors import KEY, Anchors, read_anchors
from training.data.collection import Collection
from training.evaluation.cohorts import cohort_rows

Embed: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Rows of a collection in, (N, D) unit rows out."""

COUNT, NEAREST, BASE, WEIGHT = 512, 8, 1.0, 1.5
"""Chosen on the validation: figures in training/README.md, "Who looks like many"."""
EACH = 8
"""So many faces make an anchor at the least: of fewer it would be a picture of somebody."""
MOST = 2_500
"""Faces of a group (`groups` of an index): else hardly an anchor would be of the smaller ones."""
RARER = 0.5
"""And of a group with a quarter of the faces each counts twice."""


def draw(collection: Collection, *, seed: int = 0) -> NDArray[np.int64]:
    """Returns training rows to make anchors of, ascending: none of those that false match rates are told of."""
    told = cohort_rows(collection.group, collection.identity, ~np.isin(np.arange(len(collection)), collection.train))
    rows = np.setdiff1d(collection.train, np.concatenate([np.zeros(0, np.int64), *told.values()]))
    rows = np.random.default_rng(seed).permutation(rows)
    group = collection.group[rows]
    return np.sort(np.concatenate([rows[group == one][:MOST] for one in np.unique(group)]))


def make_anchors(collection: Collection, embed: Embed, *, count: int = COUNT) -> Anchors | None:
    """Returns the anchors of an encoder, as they will be on its card; None where there are too few faces to make any.

    Args:
        collection: what it was trained on.
        embed: rows in, (N, D) unit rows out, as the agent's encoder places them.
        count: of anchors; fewer where groups of fewer than `EACH` faces are left out.
    """
    rows = draw(collection)
    if len(rows) < count * EACH:
        return None
    vectors = embed(rows)
    _, of, sizes = np.unique(collection.group[rows], return_inverse=True, return_counts=True)
    groups = KMeans(count, n_init=1, random_state=0).fit(vectors, sample_weight=sizes[of] ** -RARER)
    large = np.bincount(groups.labels_, minlength=count) >= EACH
    if large.sum() < NEAREST:
        return None
    centres = groups.cluster_centers_[large].astype(np.float64)
    exact = Anchors(centres / np.linalg.norm(centres, axis=1, keepdims=True), NEAREST, BASE, WEIGHT)
    return read_anchors({"dimension": vectors.shape[1], KEY: exact.as_card()})  # as the agent will
