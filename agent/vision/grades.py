"""How good a picture of a face is, cause by cause, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.types import Quality
from agent.vision.quality import QualityLimits

# How far from its limit a measure has to be to be called good. A word for people, which nothing is decided by.
_LARGE = 2.0
_SHARP = 4.0
_CLEAR = 2.0
_FACING = 0.5
_MARGIN = 0.2  # of the way between too dark and too bright


class Grade(StrEnum):
    """How good."""

    GOOD = "good"
    FAIR = "fair"  # good enough
    POOR = "poor"  # would be refused today


@dataclass(frozen=True, slots=True)
class Measured:
    """One cause."""

    what: str  # as in Quality
    value: float
    grade: Grade
    words: str


def grades(quality: Quality, limits: QualityLimits) -> list[Measured]:
    """Returns each measure of a picture with its grade and its words."""
    size = _rising(quality.face_px, limits.min_face_px, _LARGE)
    sharp = _rising(quality.sharpness, limits.min_sharpness, _SHARP)
    clear = _rising(quality.contrast, limits.min_contrast, _CLEAR)
    turned = abs(quality.yaw)
    facing = Grade.POOR if turned > limits.max_yaw else Grade.GOOD if turned <= _FACING * limits.max_yaw else Grade.FAIR
    side = "left" if quality.yaw < 0 else "right"
    return [
        Measured("face_px", quality.face_px, size, _of(size, "large", "rather small", "too small")),
        Measured("sharpness", quality.sharpness, sharp, _of(sharp, "sharp", "a little soft", "blurred")),
        Measured(
            "yaw", quality.yaw, facing, _of(facing, "facing the camera", f"turned to the {side}", f"far to the {side}")
        ),
        _lit(quality, limits),
        Measured("contrast", quality.contrast, clear, _of(clear, "clear", "rather flat", "flat")),
    ]


def _lit(quality: Quality, limits: QualityLimits) -> Measured:
    low, high, value = limits.min_exposure, limits.max_exposure, quality.exposure
    margin = _MARGIN * (high - low)
    tone = "dark" if value < (low + high) / 2 else "bright"
    if not low <= value <= high:
        return Measured("exposure", value, Grade.POOR, f"too {tone}")
    if low + margin <= value <= high - margin:
        return Measured("exposure", value, Grade.GOOD, "well lit")
    return Measured("exposure", value, Grade.FAIR, f"rather {tone}")


def _rising(value: float, limit: float, good: float) -> Grade:
    if value < limit:
        return Grade.POOR
    return Grade.GOOD if value >= good * limit else Grade.FAIR


def _of(grade: Grade, good: str, fair: str, poor: str) -> str:
    return {Grade.GOOD: good, Grade.FAIR: fair, Grade.POOR: poor}[grade]
