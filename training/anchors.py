"""Mean faces of groups of alike people, by which the agent says how common a face is: see `agent.gallery.anchors`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from agent.gallery.anchors import KEY, Anchors, read_anchors
from training.data.collection import Collection
from training.evaluation.cohorts import SAME_PERSON, cohort_rows

Embed: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Rows of a collection in, (N, D) unit rows out."""

COUNT, NEAREST, BASE, WEIGHT = 512, 8, 1.0, 1.5
"""Chosen on the validation: figures in training/research/comparing.md, "Who looks like many"."""
EACH = 8
"""So many people make an anchor at the least: of fewer it would be a picture of somebody."""
MOST = 2_500
"""People of a group (`groups` of an index): else hardly an anchor would be of the smaller ones."""
RARER = 0.5
"""And of a group with a quarter of the people each counts twice."""
BLOCK = 256

log = logging.getLogger(__name__)


def draw(collection: Collection, *, wanted: int = COUNT * EACH, seed: int = 0) -> NDArray[np.int64]:
    """Returns training rows to make anchors of, ascending: none of those that false match rates are told of.

    A picture of each person: of pictures without a name those count as one person's that are it to the reference
    encoders; where these were not asked, nobody knows, and there are none of them.

    Args:
        collection: what was trained on.
        wanted: so many, if there are; `MOST` of a group, and more where other groups have too few.
        seed: of the draw.
    """
    told = cohort_rows(collection.group, collection.identity, ~np.isin(np.arange(len(collection)), collection.train))
    rows = np.setdiff1d(collection.train, np.concatenate([np.zeros(0, np.int64), *told.values()]))
    rows = np.random.default_rng(seed).permutation(rows)
    group = collection.group[rows]
    each = [_people(collection, rows[group == one], max(MOST, wanted)) for one in np.unique(group)]
    most, sizes = MOST, np.array([len(mine) for mine in each], np.int64)
    while np.minimum(sizes, most).sum() < wanted and most < sizes.max(initial=0):
        most *= 2
    drawn: NDArray[np.int64] = np.concatenate([np.zeros(0, np.int64), *(mine[:most] for mine in each)])
    drawn.sort()
    return drawn


def _people(collection: Collection, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Returns a row of each person, in their order; no more than `most` of people without names."""
    named: NDArray[np.int64] = rows[collection.identity[rows] >= 0]
    named = named[np.sort(np.unique(collection.identity[named], return_index=True)[1])]
    if collection.teacher is None:
        return named
    unnamed = rows[collection.identity[rows] < 0]
    kept: list[NDArray[np.int64]] = [named]
    seen = np.zeros((0, collection.teacher.shape[1]), np.float32)
    for start in range(0, len(unnamed), BLOCK):
        if len(seen) >= most:
            break
        block = unnamed[start : start + BLOCK]
        vectors = np.asarray(collection.teacher[block], np.float32)
        new = (vectors @ seen.T).max(axis=1, initial=-1.0) < SAME_PERSON
        alike = np.tril(vectors @ vectors.T >= SAME_PERSON, -1)
        for one in range(len(block)):
            new[one] &= not (alike[one] & new).any()
        kept.append(block[new])
        seen = np.concatenate([seen, vectors[new]])
    found: NDArray[np.int64] = np.concatenate(kept)
    return found


def make_anchors(collection: Collection, embed: Embed, *, count: int = COUNT) -> Anchors | None:
    """Returns the anchors of an encoder, as they will be on its card; None where there are too few people to make any.

    Args:
        collection: what it was trained on.
        embed: rows in, (N, D) unit rows out, as the agent's encoder places them.
        count: of anchors; fewer where groups of fewer than `EACH` people are left out.
    """
    rows = draw(collection, wanted=count * EACH)
    if len(rows) < count * EACH:
        log.warning("a card that normalises wants a picture of %d people each: %d are there", count * EACH, len(rows))
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
