"""How well signatures are told apart: equal error rates for random and for skilled forgeries, with 1 and 5 references.

A writer is enrolled with references of one day and compared with signatures of another, as it will be in life (without
a second session: with the rest of the first). A random forgery is somebody else's own signature; a skilled one is by
somebody who saw the signature and practised. One threshold holds for everybody; every writer counts alike; the figures
are means over many draws of the references, with 95 % intervals by bootstrap over the writers, of whom there are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.signature.judge import SHARE
from training.data.errors import DataError
from training.signatures.load import Signatures

Scores = NDArray[np.float64]
REFERENCES = (1, 5)
DRAWS = 40
"""Of five references out of ten; the mean moves by less than 0.1 % between 40 and 200."""
GRID = 2000
"""Thresholds that are tried."""
BOOTSTRAPS = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """What the distances to the references make as one score; lower is more genuine."""

    statistic: Literal["mean", "min", "max"] = "mean"
    share: float = SHARE
    """How much of the mean distance among the references is taken off: who signs unsteadily is given more room. With a
    single reference there is nothing to take off."""

    def score(self, to_probes: Scores, among: Scores) -> Scores:
        """Returns (P,) scores from (K, P) distances and the (K, K) ones among the references."""
        count = len(to_probes)
        spread = among.sum() / (count * (count - 1)) if count > 1 else 0.0
        combined: Scores = getattr(np, self.statistic)(to_probes, axis=0)
        return combined - self.share * spread


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """All scores of one writer with a number of references."""

    genuine: Scores
    random: Scores
    skilled: Scores


@dataclass(frozen=True, slots=True)
class Rate:
    """An equal error rate, its 95 % interval over writers, and the score at which it is reached."""

    eer: float
    low: float
    high: float
    threshold: float


def evaluate(
    encode: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    inputs: NDArray[np.float32],
    signatures: Signatures,
    *,
    rule: Rule | None = None,
) -> dict[str, float]:
    """Returns the figures of an encoder on signatures of writers it has not seen.

    Args:
        encode: (N, ...) inputs to (N, D) embeddings of any length; distances are Euclidean between unit rows.
        inputs: what the encoder takes of each signature, see `Trajectories.inputs` and `Drawings.inputs`.
        signatures: of one part of the split.
        rule: how distances to several references become one score.
    """
    return figures(apart(encode(inputs)), signatures, rule=rule)


def apart(vectors: NDArray[np.float32]) -> Scores:
    """Returns (N, N) Euclidean distances between (N, D) embeddings, brought to unit length."""
    unit = vectors.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    # on unit vectors |a - b| squared = 2 - 2 cos(a, b)
    return np.asarray(np.sqrt(np.maximum(2 - 2 * unit @ unit.T, 0)))


def figures(distances: Scores, signatures: Signatures, *, rule: Rule | None = None) -> dict[str, float]:
    """Returns `eer_random_1` and so on with `_low`, `_high` and `_threshold`, from (N, N) distances."""
    found: dict[str, float] = {}
    for references in REFERENCES:
        trials = list(compare(distances, signatures, references, rule or Rule()))
        for kind in ("random", "skilled"):
            usable = [trial for trial in trials if getattr(trial, kind).size]
            if not usable:
                continue
            rate = equal_error([trial.genuine for trial in usable], [getattr(trial, kind) for trial in usable])
            name = f"eer_{kind}_{references}"
            found |= {name: rate.eer, f"{name}_low": rate.low, f"{name}_high": rate.high}
            found[f"{name}_threshold"] = rate.threshold
    if not found:
        raise DataError(f"nobody has {min(REFERENCES) + 1} genuine signatures: nothing to compare")
    return found


def compare(distances: Scores, signatures: Signatures, references: int, rule: Rule) -> Iterator[Trial]:
    """Gives the scores of each writer who has more than `references` genuine signatures."""
    rng = np.random.default_rng(references)
    for writer, enrolled, later in enrolments(signatures, references):
        others = np.flatnonzero(signatures.genuine & (signatures.writer != writer))
        forgeries = np.flatnonzero(~signatures.genuine & (signatures.writer == writer))
        scores: tuple[list[Scores], ...] = ([], [], [])
        for drawn in _draws(enrolled, references, rng):
            among = distances[np.ix_(drawn, drawn)]
            probes = later if len(later) else np.setdiff1d(enrolled, drawn)
            for into, rows in zip(scores, (probes, others, forgeries), strict=True):
                into.append(rule.score(distances[np.ix_(drawn, rows)], among))
        yield Trial(*map(np.concatenate, scores))


def enrolments(signatures: Signatures, references: int) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Gives each writer who has more than `references` genuine signatures: rows to enrol from, and those of later."""
    for writer in np.unique(signatures.writer).tolist():
        own = signatures.genuine & (signatures.writer == writer)
        enrolled, later = _sessions(np.flatnonzero(own), signatures.session)
        if len(enrolled) >= references + (len(later) == 0):
            yield writer, enrolled, later


def equal_error(genuine: list[Scores], impostor: list[Scores]) -> Rate:
    """Returns the rate at which as many genuine signatures are refused as forged ones are taken, each writer alike."""
    steps = np.unique(np.quantile(np.concatenate([*genuine, *impostor]), np.linspace(0, 1, GRID)))
    steps = np.r_[steps[0] - 1e-9, steps]  # below all: nobody is taken
    refused = np.stack([1 - _below(scores, steps) for scores in genuine])  # (writers, steps)
    taken = np.stack([_below(scores, steps) for scores in impostor])
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(genuine), np.full(len(genuine), 1 / len(genuine)), BOOTSTRAPS) / len(genuine)
    resampled = _crossing(weights @ refused, weights @ taken)[0]
    rate, at = _crossing(refused.mean(axis=0, keepdims=True), taken.mean(axis=0, keepdims=True))
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Rate(float(rate[0]), float(low), float(high), float(steps[at[0]]))


def _sessions(rows: NDArray[np.int64], session: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the rows of the first session, and those of the others."""
    first = session[rows] == min(session[rows].tolist(), default="")
    return rows[first], rows[~first]


def _draws(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    if count == 1:
        yield from rows[:, None]
        return
    for _ in range(DRAWS):
        yield rng.choice(rows, count, replace=False)


def _below(scores: Scores, steps: Scores) -> Scores:
    return np.searchsorted(np.sort(scores), steps, side="right") / len(scores)


def _crossing(refused: Scores, taken: Scores) -> tuple[Scores, NDArray[np.int64]]:
    """Returns (B,) rates where (B, steps) curves meet, and the step."""
    at = np.argmin(np.abs(refused - taken), axis=1)
    every = np.arange(len(at))
    return (refused[every, at] + taken[every, at]) / 2, at
