"""The values on the way from the camera to the door, in the order they are made.

Every value is frozen; those that hold an array compare by identity. Left and right are always as in the image.
The words for what is concluded are in `agent.verdicts`, and to be had from here as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.verdicts import Alarm, Outcome, Reason, Weighed

__all__ = [
    "Alarm",
    "Box",
    "Credential",
    "Crop",
    "Decision",
    "Embedding",
    "Event",
    "Face",
    "Floats",
    "Frame",
    "Image",
    "Match",
    "Outcome",
    "Quality",
    "Reason",
    "Rejection",
    "Seen",
    "Shown",
    "Sighting",
    "Weighed",
]

Image: TypeAlias = NDArray[np.uint8]  # (H, W, 3) uint8 RGB
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
    each: tuple[tuple[Match, Quality], ...] = field(default=(), compare=False, repr=False)  # shots: never recorded


class Shown(StrEnum):
    """The kinds of credential that a person shows."""

    FACE = "face"
    CARD = "card"  # or a QR code
    PIN = "pin"
    SIGNATURE = "signature"  # on the screen


@dataclass(frozen=True, slots=True)
class Credential:
    """What came from a keypad or a card reader. Never logged."""

    at: datetime  # UTC, when it arrived
    card: str | None = field(default=None, repr=False)  # the number as read, or the text of a QR code
    badge: str | None = None  # typed before a PIN where no face has been recognised
    pin: str | None = field(default=None, repr=False)
    signature: Embedding | None = field(default=None, repr=False)
    key: str | None = None  # attendance key pressed with it: "in", "out", or one of the named ones
    mode: str | None = None  # a door mode that is asked for: needs a person who may change it


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done about who stands at the door."""

    outcome: Outcome
    reason: Reason
    person: str | None
    sighting: Sighting | None  # None where no face was weighed: a card, a PIN, somebody who did not go on
    at: datetime
    detail: str = ""  # for a human: "may enter mon-fri 07:00-19:00", "2 more tries"
    shown: tuple[Shown, ...] = ()  # what was shown and is right, in the order in which it came
    signature: Weighed | None = None  # the last one, right or wrong
    seconds: float = 0.0  # GRANTED: how long the lock stays released
    companion: str | None = None  # the first of two, where two are needed
    alarms: tuple[Alarm, ...] = ()
    schedule: str | None = None  # GRANTED: by which schedule
    key: str | None = None  # the attendance key that was pressed
    repeat: bool = False  # the same visit still: the door opens again, nothing is counted twice


@dataclass(frozen=True, slots=True)
class Event:
    """What is recorded and published. JSON-able: no pixels, no vectors."""

    id: str  # ULID
    seq: int  # monotonic per device, never reused
    kind: str  # "access", "attendance", "alarm", "audit": the last level of the topic
    at: datetime  # UTC
    boot_id: str
    body: dict[str, object]
