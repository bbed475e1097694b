"""Whether the encoder of signatures says on this device what it said when it was made.

As for faces (`agent.vision.selftest`), but nothing has to lie beside the card: the signatures are made by a formula.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agent.errors import ModelError
from agent.signature.features import features
from agent.types import Floats

KEY: Final = "golden"
"""Where a card holds it."""
WRITERS: Final = 4
_POINTS: Final = 240
_STEP_MS: Final = 10.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What came out: the cosine between what was said and what should have been, by signature."""

    cosines: tuple[float, ...]
    least: float  # what the card asks for

    @property
    def good(self) -> bool:
        """Whether all of them are near enough."""
        return min(self.cosines) >= self.least


def made_up(writer: int) -> Floats:
    """Returns a signature that nobody has, (points, 5) float32: sums of waves in three strokes, the same everywhere."""
    t = np.linspace(0, 1, _POINTS)
    waves = range(1, 7)
    across = 4 * t + sum(np.sin(2 * np.pi * k * t + 0.7 * k * (writer + 1)) / k for k in waves)
    down = sum(np.cos(2 * np.pi * (k + writer / 3) * t + 1.3 * k * (writer + 1)) / k for k in waves)
    clock = np.cumsum(np.full(_POINTS, _STEP_MS) * (1 + 0.3 * np.sin(9 * t + writer)))
    pressure = 70 + 20 * np.sin(5 * t + writer)
    lifted = np.isin(np.arange(_POINTS), (_POINTS // 3, 2 * _POINTS // 3, _POINTS - 1))
    points: Floats = np.stack([100 * across, 100 * down, clock - clock[0], pressure, lifted], axis=1, dtype=np.float32)
    return points


def write_golden(vectors: Floats, least: float) -> dict[str, Any]:
    """Returns what a card holds: (WRITERS, D) vectors in whole numbers of one byte, the widest 127."""
    told = [np.rint(vector / np.abs(vector).max() * 127).astype(np.int8).tobytes() for vector in vectors]
    return {"least_cosine": least, "made_up": [base64.b64encode(each).decode() for each in told]}


def self_test(vector: Callable[[Floats], Floats], card: Mapping[str, Any]) -> SelfTest:
    """Shows an encoder the signatures.

    Args:
        vector: makes (D,) of unit length of (T, 15), on the runtime that it will run on.
        card: the fields of its card.

    Raises:
        ModelError: the card does not say what it has to answer.
    """
    try:
        least, told = float(card[KEY]["least_cosine"]), [base64.b64decode(each) for each in card[KEY]["made_up"]]
        said = [vector(features(made_up(writer))) for writer in range(len(told))]
        wanted = [np.frombuffer(each, np.int8).astype(np.float32) for each in told]
        cosines = [float(one @ two / np.linalg.norm(two)) for one, two in zip(said, wanted, strict=True)]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the card's {KEY!r} cannot be read: {error!r}; copy the card again") from error
    if not cosines:
        raise ModelError(f"the card's {KEY!r} holds nothing; copy the card again")
    return SelfTest(tuple(cosines), least)
