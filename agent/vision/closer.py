"""A second, closer look at a face that is to be compared: the same detector on the face alone, upright and large.

In the whole picture a face is as large as it happens to be, mostly smaller than what the detector finds landmarks best
at, and often taken from a camera's picture of twice the size. Seen again at `FACE` pixels its landmarks are a sixth
nearer to the truth (training/research/detector.md), for one more run of the detector, and only for faces that are
compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from agent.types import Face, Floats, Image
from agent.vision.align import warped

FACE = 130.0
"""How large the face is made, pixels: square root of its box's area. 90, 130 and 160 were tried."""
VIEW = (320, 240)
"""Width and height of what is looked at; the detector's own, so that nothing is scaled again."""
SAME_PLACE = 0.25
"""How far from the middle, in sizes of the face, the same face may be found again."""

Detect = Callable[[Image], list[Face]]


def closer(image: Image, face: Face, detect: Detect) -> Face:
    """Returns the face with the landmarks of a closer look; as it is, if it is not found again.

    Args:
        image: (H, W, 3) uint8 RGB, the best there is of it.
        face: in pixels of `image`.
        detect: as `agent.vision.detect.Detector`.
    """
    matrix = _view(face)
    there = [one for one in detect(warped(image, matrix, VIEW)) if _off(one) < SAME_PLACE * FACE]
    if not there:
        return face
    turn, shift = matrix[:, :2], matrix[:, 2]
    marks = (min(there, key=_off).landmarks - shift) @ np.linalg.inv(turn).T
    return replace(face, landmarks=marks.astype(np.float32))


def _view(face: Face) -> Floats:
    """The (2, 3) matrix that brings the box's middle to that of the view, the eyes level, the face to its size."""
    box, eyes = face.box, face.landmarks[1] - face.landmarks[0]
    zoom = FACE / max(math.sqrt(max(box.width, 0) * max(box.height, 0)), 1.0)
    angle = -math.atan2(float(eyes[1]), float(eyes[0]))
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return np.column_stack([turn, (np.array(VIEW) - 1) / 2 - turn @ middle])


def _off(face: Face) -> float:
    """How far a face is from the middle of the view, pixels."""
    x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
    return math.hypot(x - VIEW[0] / 2, y - VIEW[1] / 2)
