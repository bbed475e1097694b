"""The values on the way from the camera to the door, in the order they are made.

Every value is frozen; those that hold an array compare by identity. Left and right are always as in the image.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from agent.signature.judge import Weighed

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


class Outcome(StrEnum):
    """What a decision does to the door."""

    GRANTED = "granted"
    DENIED = "denied"
    PENDING = "pending"  # more is asked for: a PIN, a card, a face, the second person; told, never recorded


class Reason(StrEnum):
    """Why. One per decision; `deploy/MQTT.md` says what each means to the person at the door."""

    # granted
    MATCH = "match"  # k of n shots agree above the threshold and the margin, and the rules let this person in
    CREDENTIAL = "credential"  # a card or a PIN was shown, alone or with the face, and the rules let this person in
    FREE_ACCESS = "free_access"  # the door is open to everybody now; who it was does not matter
    # denied: who it is
    UNKNOWN = "unknown"  # nobody in the gallery is similar enough
    AMBIGUOUS = "ambiguous"  # two people in the gallery are about as similar
    INCONSISTENT = "inconsistent"  # the shots point to different people
    EMPTY_GALLERY = "empty_gallery"  # nobody is enrolled
    POOR_QUALITY = "poor_quality"  # stood at the door, but no shot was good enough
    UNKNOWN_CREDENTIAL = "unknown_credential"  # nobody has this card, or this badge number
    WRONG_PIN = "wrong_pin"
    WRONG_CARD = "wrong_card"  # the card is another person's than the face
    FACE_MISMATCH = "face_mismatch"  # the face is not that of the card's holder
    WRONG_SIGNATURE = "wrong_signature"  # not as this person signs, or a recording
    NO_SIGNATURE = "no_signature"  # one is asked for, and there is none of this person to compare it with
    INCOMPLETE = "incomplete"  # what was asked for did not come in time
    LOCKED_OUT = "locked_out"  # too many wrong PINs or cards in a row: wait
    # denied: who it is may not
    SUSPENDED = "suspended"
    LEFT = "left"
    BLOCKED = "blocked"  # on the blocklist: an alarm as well
    NOT_YET_VALID = "not_yet_valid"
    NO_LONGER_VALID = "no_longer_valid"  # also a visitor whose hours are over
    NO_ACCESS = "no_access"  # none of the groups is ever let in here
    OUTSIDE_SCHEDULE = "outside_schedule"  # let in here, but not now
    PASSBACK = "passback"  # already inside, or not inside where one has to be
    PEERS_SILENT = "peers_silent"  # whether already inside is not known: other doors of the zone cannot be heard
    NO_SECOND_PERSON = "no_second_person"  # two are needed here, and the second did not come in time
    # denied: the door does not
    LOCKED_DOWN = "locked_down"
    INTERLOCK = "interlock"  # the other door of the lock is open
    STORAGE_FAILED = "storage_failed"  # the decision could not be recorded and the policy is to stay shut
    # pending
    PIN_NEEDED = "pin_needed"
    CARD_NEEDED = "card_needed"
    FACE_NEEDED = "face_needed"
    SIGNATURE_NEEDED = "signature_needed"
    SECOND_PERSON_NEEDED = "second_person_needed"


class Alarm(StrEnum):
    """What somebody has to be told at once: an event of its own, `event/alarm`; of a decision, or of the door."""

    DURESS = "duress"  # silent: nothing at the door shows it
    BLOCKED_PERSON = "blocked_person"
    LOCKED_OUT = "locked_out"
    PASSBACK = "passback"  # let in all the same: anti-passback is soft here
    TAILGATING = "tailgating"  # more faces went through than were granted: a hint
    HELD_OPEN_SOON = "held_open_soon"  # from here on of the door; this is the pre-alarm
    HELD_OPEN = "held_open"
    FORCED_OPEN = "forced_open"
    TAMPER = "tamper"


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
