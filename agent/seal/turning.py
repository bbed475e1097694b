"""Turning: the templates of a site, rotated by its key.

A rotation changes no cosine between two vectors that are turned alike, so that recognition is what it was. Between
galleries of different keys cosines are those of random vectors, about N(0, 1/D): a gallery that leaks matches nobody
elsewhere, and is made worthless by turning it once more with a new key. Without the key the original cannot be told
from any other vector of its length. ("Cancelable biometrics" after Ratha et al. 2001; a random orthogonal matrix as in
Teoh et al. 2004, "BioHashing", without its quantisation, which costs accuracy.)
"""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.gallery.space import Space
from agent.seal.keys import SiteKey
from agent.types import Embedding, Floats
from agent.vision.eyes import Encodes

Taken = TypeVar("Taken")  # what embeddings are made of: a face, a signature


class Turn:
    """The rotation of a key, in D dimensions. Making one takes about D^3 / 10^9 seconds: keep it."""

    def __init__(self, key: SiteKey, dimension: int) -> None:
        self.exact = rotation(key.turn_key, dimension)  # (D, D) float64
        self._matrix = self.exact.astype(np.float32)

    def __call__(self, vectors: Floats) -> Floats:
        """Returns (..., D) float32, turned."""
        turned: Floats = vectors @ self._matrix
        return turned

    def back(self, vectors: Floats) -> Floats:
        """Returns (..., D) float32 as they were before they were turned."""
        plain: Floats = vectors @ self._matrix.T
        return plain

    def space(self, space: Space) -> Space:
        """Returns the space in which turned vectors are compared as plain ones are in `space`.

        (u - m) M for a plain u is, turned, (uQ - mQ) Q'MQ = ((u - m) M) Q: the same cosines.
        """
        anchors = space.anchors and space.anchors.at(space.anchors.vectors @ self.exact)  # as all that is placed
        if space.mean is None:
            return Space(anchors=anchors)
        mean = (space.mean.astype(np.float64) @ self.exact).astype(np.float32)
        if space.matrix is None:
            return Space(mean, anchors=anchors)
        matrix = (self.exact.T @ space.matrix.astype(np.float64) @ self.exact).astype(np.float32)
        return Space(mean, matrix, anchors)


class TurnedEncoder(Generic[Taken]):
    """An encoder whose embeddings are turned, and say so by the id of their model."""

    def __init__(self, encoder: Encodes[Taken], key: SiteKey) -> None:
        self._encoder, self._key = encoder, key
        self._turn = Turn(key, encoder.dimension)
        self.dimension = encoder.dimension

    def __call__(self, taken: Taken) -> Embedding:
        """Returns the embedding of what the encoder takes, turned."""
        plain = self._encoder(taken)
        return Embedding(self._turn(plain.vector), self._key.model(plain.model))


def rotation(key: bytes, dimension: int) -> NDArray[np.float64]:
    """Returns an orthogonal matrix (D, D), drawn evenly from all of them by a key, the same on every machine.

    The Q of a matrix of independent normal numbers is even over the orthogonal group once R's diagonal is positive,
    which also makes Q unique: whichever LAPACK finds it (Mezzadri 2007, "How to generate random matrices from the
    classical compact groups"). Machines differ by 1e-15 or so.
    """
    normal = _normal(key, dimension * dimension).reshape(dimension, dimension)
    q, r = np.linalg.qr(normal)
    orthogonal: NDArray[np.float64] = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return orthogonal


def _normal(key: bytes, count: int) -> NDArray[np.float64]:
    """Returns `count` normal numbers: SHAKE-256 of the key, by Box and Muller (1958)."""
    pairs = -(-count // 2)
    stream = hashlib.shake_256(b"latchkey rotation 1" + count.to_bytes(8, "big") + key).digest(16 * pairs)
    bits = np.frombuffer(stream, "<u8").reshape(2, pairs) >> np.uint64(11)  # 53 bits: what a float64 holds
    uniform = (bits + 0.5) * 2.0**-53  # in (0, 1)
    radius, angle = np.sqrt(-2.0 * np.log(uniform[0])), 2.0 * np.pi * uniform[1]
    normal: NDArray[np.float64] = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[:count]
    return normal
