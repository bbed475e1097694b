"""Whether an encoder says on this device what it said when it was made.

A file can be whole and its answers wrong all the same: another runtime, a delegate that rounds differently, a file
compiled for an accelerator with other ranges. The card holds what the unquantised net made of a few pictures of people
who do not exist; the encoder is shown these pictures, aligned by landmarks that the card holds too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.errors import ModelError
from agent.types import Floats, Image
from agent.vision.align import align
from agent.vision.encode import Encoder

KEY = "golden"
"""Where a card holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """A picture, and what the encoder has to say about it."""

    picture: str  # its name
    landmarks: Floats  # (5, 2) pixels of the picture
    vector: Floats  # (D,) float32, of unit length


@dataclass(frozen=True, slots=True, eq=False)
class SelfTest:
    """What came out: the cosine between what was said and what should have been, by picture."""

    cosines: Mapping[str, float]
    least: float  # what the card asks for

    @property
    def good(self) -> bool:
        """Whether all of them are near enough."""
        return all(cosine >= self.least for cosine in self.cosines.values())

    @property
    def worst(self) -> str:
        """The picture with the lowest cosine."""
        return min(self.cosines, key=lambda name: self.cosines[name])


def read_golden(fields: Mapping[str, Any]) -> tuple[tuple[Golden, ...], float]:
    """Returns what a card holds, and the least cosine; nothing if its model was made without.

    Raises:
        ModelError: it is there, and cannot be read.
    """
    if KEY not in fields:
        return (), 0.0
    try:
        table = fields[KEY]
        crops = tuple(
            Golden(str(crop["picture"]), _points(crop["landmarks"]), _vector(crop["vector"])) for crop in table["crops"]
        )
        return crops, float(table["least_cosine"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"the card's {KEY!r} cannot be read: {error!r}; copy the card again") from error


def write_golden(crops: tuple[Golden, ...], least: float) -> dict[str, Any]:
    """Returns what a card holds. Vectors are whole numbers of one byte, the widest 127: a direction needs no more."""
    return {
        "least_cosine": least,
        "crops": [
            {
                "picture": crop.picture,
                "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in crop.landmarks],
                "vector": base64.b64encode(_bytes(crop.vector)).decode(),
            }
            for crop in crops
        ],
    }


def self_test(encoder: Encoder, crops: tuple[Golden, ...], least: float, picture: Callable[[str], Image]) -> SelfTest:
    """Shows an encoder the pictures.

    Args:
        encoder: on the runtime that it will run on.
        crops: from `read_golden`, at least one.
        least: from `read_golden`.
        picture: returns a picture by its name, (H, W, 3) uint8 RGB.

    Raises:
        ModelError: the card is of an encoder with another dimension.
    """
    cosines = {}
    for crop in crops:
        said = encoder.vector(align(picture(crop.picture), crop.landmarks))
        if said.shape != crop.vector.shape:
            raise ModelError(f"the card's {KEY!r} has {len(crop.vector)} numbers, the encoder says {len(said)}")
        cosines[crop.picture] = float(said @ crop.vector)
    return SelfTest(cosines, least)


def _points(values: Any) -> Floats:
    points = np.asarray(values, np.float32)
    if points.shape != (5, 2):
        raise ValueError(f"landmarks of shape {points.shape}")
    return points


def _bytes(vector: Floats) -> bytes:
    return bytes(np.rint(vector / np.abs(vector).max() * 127).astype(np.int8))


def _vector(text: str) -> Floats:
    values = np.frombuffer(base64.b64decode(text, validate=True), np.int8).astype(np.float32)
    if not values.any():
        raise ValueError("a vector of zeros")
    unit: Floats = values / np.float32(np.linalg.norm(values))
    return unit
