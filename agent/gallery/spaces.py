"""Ways to make a space from the people of a site, the plainest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from agent.gallery.space import AS_ENCODED, Space
from agent.gallery.strangers import Fit, Ints
from agent.types import Floats

SHRINKAGE = 0.9
"""Towards the identity. Of 0.9 and 0.5 the better at the door of NUAA and on the validation's celebrities."""
LEAST_FOR_A_MATRIX = 30  # people with two photos


def as_encoded(vectors: Floats, people: Ints) -> Space:  # noqa: ARG001 - a Fit
    """Return the space of the encoder."""
    return AS_ENCODED


def centred(vectors: Floats, people: Ints) -> Space:
    """Return the space around the mean of all people, each counting once."""
    return Space(means(vectors, people).mean(axis=0))


def half_centred(vectors: Floats, people: Ints) -> Space:
    """Return the space around as much of the mean as is surely shared, the rest being chance.

    James and Stein's estimator, towards the encoder's own mean, 0: strangers' vectors that share nothing have a mean
    of length^2 s^2 / P by chance. What is shared, m^2, is the mean cosine of strangers; the sum is what is measured.
    """
    each = means(vectors, people)
    mean = each.mean(axis=0)
    measured = float(mean @ mean)
    chance = (float((each * each).sum(axis=1).mean()) - measured) / max(len(each) - 1, 1)
    return Space(np.asarray(mean * max(0.0, 1 - chance / measured) if measured > 0 else mean, np.float32))


def whitened(vectors: Floats, people: Ints) -> Space:
    """Return the centred space, directions in which photos of one person differ made shorter.

    Within-class covariance normalisation (Hatch, Kajarekar, Stolcke 2006), shrunk.
    """
    mean = means(vectors, people).mean(axis=0)
    around = Space(mean)(vectors)
    off = (around - means(around, people)[np.unique(people, return_inverse=True)[1]]).astype(np.float64)
    freedom = len(off) - len(np.unique(people))
    if freedom <= 0:
        return Space(mean)
    covariance = off.T @ off / freedom
    size = len(covariance)
    level = float(np.trace(covariance)) / size
    if level <= 0:
        return Space(mean)
    spread, axes = np.linalg.eigh((1 - SHRINKAGE) * covariance / level + SHRINKAGE * np.eye(size))
    return Space(mean, np.asarray((axes * spread**-0.5) @ axes.T, np.float32))


METHODS: Mapping[str, Fit] = MappingProxyType(
    {"as encoded": as_encoded, "half centred": half_centred, "centred": centred, "whitened": whitened}
)
"""By name. A later one is taken only where it is measurably better than the one taken so far."""


def means(vectors: Floats, people: Ints) -> Floats:
    """Return each person's mean, (P, D), in the order of their numbers."""
    _, place, count = np.unique(people, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count), vectors.shape[1]))
    np.add.at(sums, place, vectors)
    return np.asarray(sums / count[:, None], np.float32)
