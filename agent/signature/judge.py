"""Whether a signature is the person's own: its distance to their references, against the threshold for as many.

One is compared with one: with the person whom the face, the card or the PIN has named already. Nobody is ever looked up
by a signature.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from agent.errors import ModelError
from agent.types import Embedding, Floats, Weighed

SHARE: Final = 0.5
"""How much of the mean distance among the references is taken off: who signs unsteadily is given more room."""
REPLAYED: Final = 0.01
"""As near to a reference nobody signs twice, but a recording: the nearest two of one writer in SUSIG are 0.03 apart."""
REFERENCES: Final = 5
"""That are asked for."""
MARK_BYTES: Final = 8
FEWEST: Final = 3
"""Among which one can be odd: of two that differ nobody knows which is the wrong one."""


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """How somebody signs."""

    vectors: Floats = field(repr=False)  # (N, D) float32, unit rows, at least one
    model: str  # id of the encoder, turned


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows the thresholds of an encoder, by number of references, and how far apart those of one hand may be."""

    thresholds: Mapping[int, float]
    spreads: Mapping[int, float] = field(default_factory=dict)  # of 2 and more

    @classmethod
    def from_card(cls, fields: Mapping[str, Any]) -> Self:
        """Returns the judge that a card describes.

        Raises:
            ModelError: it has no thresholds.
        """
        try:
            rows = {int(count): row for count, row in fields["thresholds"].items()}
            found = {count: float(row["threshold"]) for count, row in rows.items()}
            spreads = {count: float(row["spread"]) for count, row in rows.items() if count > 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"the card's 'thresholds' cannot be read: {error!r}; copy the card again") from error
        if 1 not in found or not np.isfinite([*found.values(), *spreads.values()]).all():
            raise ModelError("the card's 'thresholds' have to begin with one reference; copy the card again")
        return cls(found, spreads)

    def __call__(self, signature: Embedding, references: References) -> Weighed:
        """Returns how a signature compares with somebody's references.

        Raises:
            ValueError: they are of different encoders.
        """
        if signature.model != references.model:
            raise ValueError(f"a signature of {signature.model} cannot be compared with {references.model}")
        count = len(references.vectors)
        far = distances(signature.vector[None], references.vectors)[0]  # (N,)
        score = float(far.mean()) - SHARE * spread(references.vectors)
        return Weighed(score, self.threshold(count), count, replayed=bool(far.min() < REPLAYED))

    def threshold(self, count: int) -> float:
        """Returns the threshold for so many references: of the most that the card knows, where there are more."""
        return self.thresholds[max(known for known in self.thresholds if known <= max(1, count))]

    def outlier(self, vectors: Floats) -> int | None:
        """Returns which of (N, D) signatures is not like the others, the worst of them; None where they agree.

        They agree where each would pass by the others, and all together are no further apart than one hand's are: by
        references that have nothing in common much would pass.
        """
        count = len(vectors)
        if spread(vectors) > self.spreads.get(count, math.inf):
            apart = distances(vectors, vectors).sum(axis=1)
            return count - 1 - int(np.argmax(apart[::-1]))  # of two the later one
        if count < FEWEST:
            return None
        rest = [np.delete(vectors, at, axis=0) for at in range(count)]
        over = [
            float(distances(vectors[at : at + 1], others)[0].mean())
            - SHARE * spread(others)
            - self.threshold(len(others))
            for at, others in enumerate(rest)
        ]
        worst = int(np.argmax(over))
        return worst if over[worst] > 0 else None


def mark(signature: Embedding) -> bytes:
    """Returns what a recording of the same signature has again, and nothing else has. It says nothing of how it looks.

    Whoever has not the site's key, by which the vector is turned, cannot even tell whether it is that of a recording.
    """
    return hashlib.sha256(signature.vector.tobytes()).digest()[:MARK_BYTES]


def distances(vectors: Floats, others: Floats) -> Floats:
    """Returns (N, M) float32 Euclidean distances between (N, D) and (M, D) unit rows."""
    # on unit vectors |a - b| squared = 2 - 2 cos(a, b), which loses what is small in float32
    apart = vectors[:, None].astype(np.float64) - others[None]
    far: Floats = np.linalg.norm(apart, axis=2).astype(np.float32)
    return far


def spread(vectors: Floats) -> float:
    """Returns the mean distance among (N, D) unit rows; 0 of a single one."""
    count = len(vectors)
    return float(distances(vectors, vectors).sum() / (count * (count - 1))) if count > 1 else 0.0
