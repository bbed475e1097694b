"""The protocol of Labeled Faces in the Wild: 6,000 pairs in ten folds (Huang et al. 2007), and all pairs besides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError
from training.evaluation.pictures import Embedded
from training.evaluation.verify import Verification, verify

FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Lfw:
    """What the benchmark says of an encoder."""

    accuracy: float  # mean over ten folds
    standard_error: float
    found: float  # share of pictures with a face
    verification: Verification  # over all pairs of all pictures
    embedded: Embedded
    identity: NDArray[np.int64]  # (N,) of the pictures
    similarity: NDArray[np.float32]  # (P,) of the protocol's pairs
    same: NDArray[np.bool_]  # (P,) whether they show one person

    def figures(self) -> dict[str, float]:
        """Returns what goes into a card."""
        rounded = {"accuracy": round(self.accuracy, 4), "standard_error": round(self.standard_error, 4)}
        return rounded | {"found": round(self.found, 4)} | self.verification.figures()


def measure_lfw(embedded: Embedded, pairs: list[tuple[str, str, bool]], **options: Any) -> Lfw:
    """Returns the figures of encoded pictures.

    Args:
        embedded: pictures with names as `Person/Person_0001.webp`.
        pairs: from `lfw_pairs`.
        options: of `verify`.

    Raises:
        ConfigError: a pair names a picture that is not there.
    """
    row = {name: i for i, name in enumerate(embedded.names)}
    absent = [name for pair in pairs for name in pair[:2] if name not in row]
    if absent:
        raise ConfigError(f"pairs.txt names {len(absent)} pictures that lfw.zip lacks, as {absent[0]}")
    first = embedded.vectors[[row[one] for one, _, _ in pairs]]
    second = embedded.vectors[[row[other] for _, other, _ in pairs]]
    similarity, same = (first * second).sum(1), np.array([one for _, _, one in pairs])
    accuracy, error = ten_fold(similarity, same)
    identity = people(embedded.names)
    verification = verify(embedded.vectors, identity, **options)
    return Lfw(accuracy, error, float(embedded.found.mean()), verification, embedded, identity, similarity, same)


def people(names: list[str]) -> NDArray[np.int64]:
    """Returns (N,) a number for each name's folder, which is the person."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name.split("/")[0], len(numbers)) for name in names])


def lfw_pairs(path: Path) -> list[tuple[str, str, bool]]:
    """Returns the pairs of pairs.txt in order: two pictures, and whether they show the same person.

    Raises:
        ConfigError: the file is missing, or its pairs do not fall into ten folds.
    """
    try:
        lines = path.read_text().splitlines()[1:]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; it is part of the LFW benchmark") from error
    pairs = []
    for line in lines:
        parts = line.split()
        if len(parts) == 3:
            pairs.append((_lfw(parts[0], parts[1]), _lfw(parts[0], parts[2]), True))
        elif len(parts) == 4:
            pairs.append((_lfw(parts[0], parts[1]), _lfw(parts[2], parts[3]), False))
    if not pairs:
        raise ConfigError(f"{path} holds no pairs: want lines of a name and two numbers, or of two names and numbers")
    return pairs


def _lfw(person: str, number: str) -> str:
    return f"{person}/{person}_{int(number):04d}.webp"


def ten_fold(similarity: NDArray[np.float32], same: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns the mean accuracy and its standard error over ten folds (Huang et al. 2007).

    The threshold of each fold is the one that is best on the nine others.

    Raises:
        ConfigError: the pairs do not make ten even folds.
    """
    if len(same) == 0 or len(same) % FOLDS:
        raise ConfigError(f"{len(same)} pairs do not make {FOLDS} even folds")
    folds = np.arange(len(same)) // (len(same) // FOLDS)
    scores = []
    for fold in range(FOLDS):
        test = folds == fold
        threshold = _best_threshold(similarity[~test], same[~test])
        scores.append(float(((similarity[test] >= threshold) == same[test]).mean()))
    return float(np.mean(scores)), float(np.std(scores, ddof=1) / np.sqrt(FOLDS))


def _best_threshold(similarity: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    order = np.argsort(similarity)
    right = np.concatenate([[same.sum()], same.sum() + np.cumsum(np.where(same[order], -1, 1))])
    best = int(np.argmax(right))  # the first `best` of the order lie below the threshold
    return float(similarity[order[min(best, len(order) - 1)]])
