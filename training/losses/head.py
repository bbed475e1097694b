"""The verification head: from how near two embeddings are to how probable it is that they are of one person.

A straight line from similarity to log-likelihood ratio, fitted with genuine and impostor pairs counting half each
(Platt 1999). The line knows nothing of how often the same person is at the door: that is the prior, said when asked.
On embeddings of unit length the squared distance is 2 - 2 similarity, so that one head serves both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError

SCORES = NDArray[np.float32] | NDArray[np.float64]
STEPS = 100


@dataclass(frozen=True, slots=True)
class Head:
    """log of P(similarity | same person) / P(similarity | two persons) = slope * similarity + offset."""

    slope: float
    offset: float
    prior: float = 0.5
    """P(same person) before looking, where none is said."""

    def __post_init__(self) -> None:
        if not (0 < self.slope < np.inf and np.isfinite(self.offset)):
            raise ModelError(f"verification head: slope {self.slope}, offset {self.offset}: want a finite rising line")
        _log_odds(self.prior)

    def evidence(self, similarity: SCORES | float) -> NDArray[np.float64]:
        """Returns the natural logarithm of the likelihood ratio of similarities (any shape)."""
        return np.asarray(self.slope * np.asarray(similarity, np.float64) + self.offset)

    def probability(self, similarity: SCORES | float, prior: float | None = None) -> NDArray[np.float64]:
        """Returns P(same person | similarity).

        Args:
            similarity: cosines of any shape.
            prior: P(same person) before looking; None: that of the head.
        """
        return sigmoid(self.evidence(similarity) + _log_odds(self.prior if prior is None else prior))

    def threshold(self, probability: float, prior: float | None = None) -> float:
        """Returns the similarity from which on the probability is at least this."""
        odds = _log_odds(probability) - _log_odds(self.prior if prior is None else prior)
        return (odds - self.offset) / self.slope

    def to_json(self) -> str:
        """Returns what stands in a card: `{"slope": .., "offset": .., "prior": ..}`."""
        return json.dumps(asdict(self))

    @classmethod
    def of_card(cls, values: Mapping[str, object]) -> Head:
        """Returns the head that stands in a card.

        Raises:
            ModelError: keys missing or unknown, values that are no numbers or no line.
        """
        wanted = ["slope", "offset", "prior"]
        numbers = [value for key in wanted if isinstance(value := values.get(key), int | float)]
        if set(values) != set(wanted) or len(numbers) != len(wanted):
            raise ModelError(f"verification head: {dict(values)}: want a number each for {', '.join(wanted)}")
        return cls(*map(float, numbers))


def fit(genuine: SCORES, impostor: SCORES, *, prior: float = 0.5) -> Head:
    """Returns the head of a set of pairs: weighted logistic regression by Newton's method.

    Each side counts half, however many pairs it has. The targets are Platt's, (n + 1) / (n + 2) and 1 / (m + 2), which
    keeps the line finite where no impostor is as near as any genuine pair.

    Args:
        genuine: (n,) similarities of pairs of one person.
        impostor: (m,) of pairs of two persons.
        prior: what the head says where none is said to it.

    Raises:
        ModelError: a side is empty or not finite, or genuine pairs are no nearer than others.
    """
    _check(genuine, impostor)
    similarity = np.concatenate([genuine, impostor]).astype(np.float64)
    middle, spread = float(similarity.mean()), max(float(similarity.std()), 1e-12)
    rows = np.stack([(similarity - middle) / spread, np.ones(len(similarity))])  # (2, n + m)
    n, m = len(genuine), len(impostor)
    target = np.repeat([(n + 1) / (n + 2), 1 / (m + 2)], [n, m])
    weight = np.repeat([0.5 / n, 0.5 / m], [n, m])
    slope, offset = _newton(rows, target, weight)
    if slope <= 0:
        raise ModelError("verification head: pairs of one person are no more similar than pairs of two: nothing to fit")
    return Head(slope=slope / spread, offset=offset - slope * middle / spread, prior=prior)


def _newton(rows: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Returns slope and offset of the least weighted cross-entropy; halves steps that overshoot (Lin et al. 2007)."""
    line = np.zeros(2)
    cost = _cost(line @ rows, target, weight)
    for _ in range(STEPS):
        p = sigmoid(line @ rows)
        slope = rows @ (weight * (p - target))  # gradient
        if np.abs(slope).max() < 1e-12:
            break
        curve = (rows * (weight * p * (1 - p))) @ rows.T + 1e-12 * np.eye(2)
        step, share = np.linalg.solve(curve, slope), 1.0
        while (lower := _cost((line - share * step) @ rows, target, weight)) > cost and share > 1e-10:
            share /= 2
        line, cost = line - share * step, lower
    return float(line[0]), float(line[1])


def _cost(logit: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float(weight @ (np.logaddexp(0, logit) - target * logit))


def _check(genuine: SCORES, impostor: SCORES) -> None:
    for name, side in (("one person", genuine), ("two persons", impostor)):
        if not len(side) or not np.isfinite(side).all():
            raise ModelError(f"verification head: {len(side)} pairs of {name}: want one or more, all of them numbers")


def _log_odds(probability: float) -> float:
    if not 0 < probability < 1:
        raise ModelError(f"a probability of {probability}: want it between 0 and 1, both excluded")
    return float(np.log(probability / (1 - probability)))


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -x)))
