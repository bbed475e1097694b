"""The values on the way from the camera to the door, in the order they are made.

Every value is frozen; those that hold an array compare by identity. Left and right are always as in the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a camera."""

    image: Image  # (H, W, 3) uint8 RGB
    at: datetime  # UTC, aware
    seq: int  # counts up from 0 per camera; gaps are dropped frames
    camera: str
    small: Image | None = None  # the whole of it at a smaller size, where the camera makes that itself


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the frame: x right, y down, the corner is the top left one."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face."""

    box: Box
    landmarks: Floats  # (5, 2) float32 pixels: left eye, right eye, nose, left and right mouth corner
    score: float  # detector confidence, 0..1

    def scaled(self, x: float, y: float) -> Face:
        """The same face in a picture that is `x` times as wide and `y` times as high; numbers name pixels' middles."""
        left, top = (self.box.x + 0.5) * x - 0.5, (self.box.y + 0.5) * y - 0.5
        marks = (self.landmarks + np.float32(0.5)) * np.array((x, y), np.float32) - np.float32(0.5)
        return Face(Box(left, top, self.box.width * x, self.box.height * y), marks, self.score)


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable a face picture is (after ISO/IEC 29794-5: one number per cause)."""

    face_px: float  # the shorter side of the box, pixels
    sharpness: float  # variance of the Laplacian of the aligned crop's face region, in grey
    yaw: float  # nose offset from the middle of the eyes, in eye distances: 0 frontal, negative to the image's left
    exposure: float  # mean grey of the same, 0..255
    contrast: float  # standard deviation of the same


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a face is not good enough to be compared."""

    code: str  # "too_small", "turned_away", "too_dark", "too_bright", "low_contrast", "too_blurred"
    text: str  # for a human: "too small: 42 px, need 64"


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A face aligned onto the five-point template."""

    image: Image  # (112, 112, 3) uint8 RGB
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What the encoder makes of a crop."""

    vector: Floats  # (D,) float32, unit length
    model: str  # id of the encoder; vectors of different models are never compared


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Everything that is made of one face in one picture."""

    face: Face
    crop: Crop
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest person in the gallery. `person` is None only where the gallery is empty."""

    person: str | None
    similarity: float  # cosine, -1..1
    second: str | None  # the nearest *other* person
    margin: float  # similarity minus that of the second; 2.0 where there is no second


class Outcome(StrEnum):
    """What a decision does to the door."""

    GRANTED = "granted"
    DENIED = "denied"


class Reason(StrEnum):
    """Why. One per decision; `deploy/MQTT.md` says what each means to the person at the door."""

    MATCH = "match"  # granted: k of n shots agree above the threshold and the margin
    UNKNOWN = "unknown"  # denied: nobody in the gallery is similar enough
    AMBIGUOUS = "ambiguous"  # denied: two people in the gallery are about as similar
    INCONSISTENT = "inconsistent"  # denied: the shots point to different people
    EMPTY_GALLERY = "empty_gallery"  # denied: nobody is enrolled
    POOR_QUALITY = "poor_quality"  # denied: stood at the door, but no shot was good enough
    STORAGE_FAILED = "storage_failed"  # denied: the decision could not be recorded and the policy is to stay shut


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the gate concludes about one visit: one track, one conclusion."""

    at: datetime
    camera: str
    track: int
    reason: Reason  # MATCH, or why this visitor is unknown
    person: str | None  # set only with MATCH
    match: Match | None  # the best shot's match; None where no shot was usable
    threshold: float  # cosine
    shots: int  # shots encoded
    agreeing: int  # shots that agreed on `person`
    quality: Quality | None  # of the best shot
    detail: str  # for a human: "too small: 42 px, need 64", "0.41 to anna, need 0.52"
    repeat: bool = False  # the same person's last visit still: the door opens, nothing is counted twice
    latency_ms: float = 0.0  # from the frame's arrival to the conclusion, filled in by the runtime


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about a sighting."""

    outcome: Outcome
    reason: Reason
    person: str | None
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Event:
    """What is recorded and published. JSON-able: no pixels, no vectors."""

    id: str  # ULID
    seq: int  # monotonic per device, never reused
    kind: str  # "access", "audit", "alarm": the last level of the topic
    at: datetime  # UTC
    boot_id: str
    body: dict[str, object]
