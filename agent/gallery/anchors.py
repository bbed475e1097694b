"""Score normalisation: whom many people look like is less of a match than whom nobody looks like.

Strangers of one origin or age are more alike to an encoder than strangers at large, and one threshold for all lets the
former in. How crowded a face's surroundings are is known beforehand, from its similarity to anchors: the mean faces of
groups of alike people that the encoder was trained on, each the mean of eight people or more and nobody's template.
What is crowded is moved away from everybody.

    h(x) = mean of the `nearest` highest cosines of x to the anchors        how common x is
    u(x) = max(0, base - weight h(x))
    x  ->  (x, u(x)) / length                                               one number more

The cosine of two such vectors is (cos + u u') / (sqrt(1 + u^2) sqrt(1 + u'^2)): to first order the cosine less what is
common to each, as in adaptive score normalisation with a cohort (S-norm: Kenny 2010; its adaptive form: Sturim and
Reynolds 2005), but symmetric, of unit length, and to be searched as any other vectors are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.types import Floats

KEY = "normalisation"
"""What a card calls it."""
MOST = 4096
"""Anchors: more would take longer than the encoder."""
STEEPEST = 10.0
"""Of `base` and `weight`: far beyond, all are alike, or nobody is."""
BLOCK = 1024
STEPS = 127


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Mean faces of groups of people, and how much being like them counts."""

    vectors: NDArray[np.float64]  # (A, D) of unit length
    nearest: int  # so many of them say how common a face is
    base: float
    weight: float

    def common(self, vectors: Floats) -> NDArray[np.float64]:
        """Returns how common (..., D) float32 of unit length are, (...) cosines.

        Products are taken in float64: a vector is as common alone as among others.
        """
        rows = vectors.reshape(-1, vectors.shape[-1])
        found: NDArray[np.float64] = np.concatenate([np.empty(0), *(self._common(block) for block in _blocks(rows))])
        return found.reshape(vectors.shape[:-1])

    def lifted(self, vectors: Floats) -> Floats:
        """Returns (..., D) float32 of unit length with how common they are, (..., D + 1) of unit length."""
        rows = vectors.reshape(-1, vectors.shape[-1])
        lifted = np.empty((len(rows), rows.shape[1] + 1), np.float32)
        for number, block in enumerate(_blocks(rows)):
            up = np.maximum(0.0, self.base - self.weight * self._common(block))
            length = np.sqrt((block * block).sum(axis=1) + up * up)
            there = lifted[number * BLOCK : (number + 1) * BLOCK]
            there[:, :-1], there[:, -1] = block / length[:, None], up / length
        return lifted.reshape(*vectors.shape[:-1], lifted.shape[1])

    def _common(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        cosines = rows @ self.vectors.T
        least = cosines.shape[1] - self.nearest
        means: NDArray[np.float64] = np.partition(cosines, least, axis=1)[:, least:].mean(axis=1)
        return means

    def at(self, vectors: NDArray[np.float64]) -> Self:
        """Returns the same anchors where a space has moved them."""
        return replace(self, vectors=vectors)

    def as_card(self) -> dict[str, Any]:
        """Returns what a card says of them: whole numbers of 8 bits, of which lengths do not matter."""
        scaled = self.vectors * (STEPS / np.abs(self.vectors).max(axis=1, keepdims=True))
        told = base64.b64encode(np.rint(scaled).astype(np.int8).tobytes()).decode("ascii")
        return {"nearest": self.nearest, "base": self.base, "weight": self.weight, "anchors": told}


def fingerprint(fields: Mapping[str, Any]) -> str | None:
    """Returns what names the scale that a card's anchors make: rates on one say nothing of another. None: cosines."""
    told = fields.get(KEY)
    if told is None:
        return None
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _count(told: object) -> int:
    if type(told) is not int or told < 1:
        raise ValueError(f"the dimension {told!r}")
    return told


def _blocks(rows: Floats) -> Iterator[NDArray[np.float64]]:
    """Gives (N, D) rows in parts that a processor's cache holds."""
    return (rows[start : start + BLOCK].astype(np.float64) for start in range(0, len(rows), BLOCK))


def read_anchors(fields: Mapping[str, Any]) -> Anchors | None:
    """Returns the anchors on an encoder's card; None where it has none.

    Raises:
        ModelError: they are not what `as_card` writes.
    """
    told = fields.get(KEY)
    if told is None:
        return None
    try:
        dimension, nearest = _count(fields["dimension"]), int(told["nearest"])
        base, weight = float(told["base"]), float(told["weight"])
        steps = np.frombuffer(base64.b64decode(told["anchors"], validate=True), np.int8)
        vectors = steps.reshape(-1, dimension).astype(np.float64)
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise ModelError(f"{KEY} on the model's card cannot be read: {error!r}; copy the card again") from error
    lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    if not (0 < nearest <= len(vectors) <= MOST and lengths.all()):
        raise ModelError(f"{KEY} on the model's card: {nearest} of {len(vectors)} anchors, or one without a direction")
    if not (0 < base <= STEEPEST and 0 <= weight <= STEEPEST):  # true of NaN too
        raise ModelError(
            f"{KEY} on the model's card: want base above 0 and weight of 0 or more, neither above {STEEPEST:g}, not "
            f"{base}, {weight}"
        )
    return Anchors(vectors / lengths, nearest, base, weight)
