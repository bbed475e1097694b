"""Somebody has their face taken at the door: what they are asked to do next, and which shots are kept.

    ┌──────────┐ a good face that fits  ┌─────────┐ half a second: the best   ┌──────────┐ all     ┌──────────┐
    │ guiding  │ ─────────────────────► │ holding │ ────────────────────────► │ the next │ ──────► │ complete │
    │ the pose │ ◄───────────────────── │ still   │   of these is taken       │ pose     │         └──────────┘
    └──────────┘   it fits no more      └─────────┘                           └──────────┘

Whoever cannot do as they are asked is not kept: after a while any good shot will do that is another than those before.
Fed with what is seen, frame by frame; the times are those of the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np

from agent.gallery.space import AS_ENCODED, Space
from agent.types import Floats, Rejection, Seen
from agent.vision.quality import QualityLimits, score

HOLD_SECONDS: Final = 0.5  # of these the best shot is taken
STRANGER_SECONDS: Final = 4.0  # with another person in front: they have taken over
SAME_SHOT: Final = 0.9995  # cosine: the very same picture again teaches nothing
_TURNED: Final = 0.12  # yaw, in eye distances: 11 degrees, see `agent.vision.quality.yaw`
_NODDED: Final = 0.05  # of the way from the eyes to the mouth
_PATIENT: Final = 0.6  # share of the time in which the poses are insisted on


class Pose(StrEnum):
    """How the person is to look; left and right are the person's own."""

    STRAIGHT = "look_here"
    LEFT = "look_left"
    RIGHT = "look_right"
    UP = "look_up"
    DOWN = "look_down"


POSES: Final = (Pose.STRAIGHT, Pose.LEFT, Pose.RIGHT, Pose.UP, Pose.DOWN)


class Hint(StrEnum):
    """What the person is told."""

    LOOK_HERE = "look_here"
    LOOK_LEFT = "look_left"
    LOOK_RIGHT = "look_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    CLOSER = "closer"
    HOLD_STILL = "hold_still"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    ONE_AT_A_TIME = "one_at_a_time"
    TAKEN = "taken"


_MENDS: Final = {
    "too_small": Hint.CLOSER,
    "turned_away": Hint.LOOK_HERE,
    "too_dark": Hint.TOO_DARK,
    "low_contrast": Hint.TOO_DARK,
    "too_bright": Hint.TOO_BRIGHT,
    "too_blurred": Hint.HOLD_STILL,
}


def mend(rejection: Rejection) -> Hint:
    """What a person can do about it."""
    return _MENDS.get(rejection.code, Hint.LOOK_HERE)


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """What one frame shows."""

    at: datetime
    front: Seen | None = None  # the nearest face, where it is good enough
    rejection: Rejection | None = None  # why it is not
    crowded: bool = False  # another face is about as near
    rival: str | None = None  # somebody else who is enrolled, and looks like that


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    began: datetime
    glimpse: Glimpse
    score: float


class Sitting:
    """One person's shots.

    Args:
        shots: how many are wanted.
        seconds: there are for all of them.
        limits: what a face must have.
        same_person: cosine; a shot less similar than this to the first is of somebody else.
        space: where faces are compared.
    """

    def __init__(
        self, shots: int, seconds: float, *, limits: QualityLimits, same_person: float, space: Space = AS_ENCODED
    ) -> None:
        self.taken: list[Seen] = []
        self.rival: str | None = None  # the person is enrolled already, as this one
        self.stranger_seconds = 0.0  # for how long somebody else has been in front
        self.got: list[Pose] = []  # what the shots show
        self._wanted, self._limits, self._same, self._space = shots, limits, same_person, space
        self._patience = max(2.0, _PATIENT * seconds / shots)
        self._since: datetime | None = None  # the present pose has been asked for
        self._best: _Best | None = None
        self._seen: datetime | None = None  # the last frame with the person, or without anybody
        self._level = 0.5  # how far down the nose is when looking straight

    @property
    def complete(self) -> bool:
        """Whether nothing more is wanted."""
        return len(self.taken) >= self._wanted

    @property
    def pose(self) -> Pose:
        """What is asked for now."""
        return POSES[len(self.taken) % len(POSES)]

    @property
    def missing(self) -> list[Pose]:
        """The poses that were not taken yet."""
        return [POSES[number % len(POSES)] for number in range(len(self.taken), self._wanted)]

    def see(self, glimpse: Glimpse) -> Hint:
        """Takes a frame, and returns what to tell the person."""
        if self.complete:
            return Hint.TAKEN
        if glimpse.crowded:
            return self._not_now(Hint.ONE_AT_A_TIME)
        if glimpse.rejection is not None:
            return self._not_now(mend(glimpse.rejection))
        if glimpse.front is None:
            self._follow(glimpse.at)
            return self._not_now(Hint.LOOK_HERE)
        if self._is_stranger(glimpse.front, glimpse.at):
            return self._not_now(Hint.ONE_AT_A_TIME)
        self._since = self._since or glimpse.at
        if not self._fits(glimpse.front, glimpse.at):
            return self._not_now(Hint(self.pose.value))
        return self._hold(glimpse, glimpse.front)

    def _not_now(self, hint: Hint) -> Hint:
        self._best = None
        return hint

    def _follow(self, at: datetime) -> None:
        self._seen, self.stranger_seconds = at, 0.0

    def _is_stranger(self, seen: Seen, at: datetime) -> bool:
        if self.taken and self._cosine(self.taken[0], seen) < self._same:
            self.stranger_seconds = (at - (self._seen or at)).total_seconds()
            return True
        self._follow(at)
        return False

    def _fits(self, seen: Seen, at: datetime) -> bool:
        if any(self._cosine(taken, seen) > SAME_SHOT for taken in self.taken):
            return False
        asked_for = (at - (self._since or at)).total_seconds()
        return asked_for >= self._patience or self.pose is self._pose_of(seen)

    def _pose_of(self, seen: Seen) -> Pose | None:
        """The pose that a face shows; None between two."""
        yaw, down = seen.crop.quality.yaw, nose_down(seen.face.landmarks) - self._level
        if abs(yaw) > _TURNED:  # positive: to the image's right, which is the person's left
            return Pose.LEFT if yaw > 0 else Pose.RIGHT
        if not self.taken or abs(down) < _NODDED:
            return Pose.STRAIGHT
        return Pose.DOWN if down > 0 else Pose.UP

    def _cosine(self, one: Seen, other: Seen) -> float:
        return float(self._space(one.embedding.vector) @ self._space(other.embedding.vector))

    def _hold(self, glimpse: Glimpse, front: Seen) -> Hint:
        began = glimpse.at if self._best is None else self._best.began
        now = _Best(began, glimpse, score(front.crop.quality, self._limits))
        best = now if self._best is None or now.score > self._best.score else self._best
        if (glimpse.at - began).total_seconds() < HOLD_SECONDS:
            self._best = best
            return Hint.HOLD_STILL
        self._take(best.glimpse, glimpse.at)
        return Hint.TAKEN

    def _take(self, glimpse: Glimpse, at: datetime) -> None:
        if glimpse.front is None:
            return
        if not self.taken:
            self._level = nose_down(glimpse.front.face.landmarks)
        self.got.append(self._pose_of(glimpse.front) or Pose.STRAIGHT)
        self.taken.append(glimpse.front)
        self.rival = self.rival or glimpse.rival
        self._best, self._since = None, at


def nose_down(landmarks: Floats) -> float:
    """How far down from the eyes to the mouth the nose is, 0..1: less when looking up, more when looking down.

    Measured along the line from the middle of the eyes to that of the mouth; 0.5 where the two are one.
    """
    left, right, nose, *mouth = landmarks[:5].astype(np.float64)
    eyes = (left + right) / 2
    axis = (mouth[0] + mouth[1]) / 2 - eyes
    length_squared = float(axis @ axis)
    return float((nose - eyes) @ axis) / length_squared if length_squared > 0 else 0.5
