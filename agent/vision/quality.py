"""How usable a face is, and whether it is usable enough: one number and one word per cause (after ISO/IEC 29794-5)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from agent.types import Face, Floats, Image, Quality, Rejection

# Rows and columns of the aligned crop that are face whoever it is: brows to chin, cheek to cheek. Hair, background
# and the black beyond the frame's edge stay out.
_FACE = (slice(32, 104), slice(24, 88))


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimits:
    """What a face must have to be compared.

    The defaults were set on 336 webcam frames of 12 people at desks, most in poor light, and on blurred, shrunk,
    darkened and brightened copies of them: all but one of the frames pass (the worst have 121 px, sharpness 27,
    exposure 43, contrast 10.6, yaw 0.19, and a good encoder still tells their people apart), and a limit stands
    where the similarity to the same person's other frames has lost about a quarter.
    """

    min_face_px: float = 64.0  # 64 px fills the 80 px that a face has in the crop at 4:5
    min_sharpness: float = 8.0  # a blur of 2.5 px (sigma, in the crop) brings typical indoor frames to 3.6
    max_yaw: float = 0.4  # about 35 degrees; beyond it similarity to frontal pictures falls fast
    min_exposure: float = 20.0
    max_exposure: float = 225.0
    min_contrast: float = 6.0  # fog, a lens wiped with a wet cloth, a lamp behind


def measure(face: Face, crop: Image) -> Quality:
    """The quality of a face, from where it was found and from its (112, 112, 3) aligned crop."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, spread = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S)[_FACE])
    mean, deviation = cv2.meanStdDev(grey[_FACE])
    return Quality(
        face_px=min(face.box.width, face.box.height),
        sharpness=float(spread[0, 0]) ** 2,
        yaw=yaw(face.landmarks),
        exposure=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
    )


def yaw(landmarks: Floats) -> float:
    """How far the nose is from the middle of the eyes, in eye distances along the line of the eyes.

    0 for a frontal face, negative when it is turned to the image's left. With a nose about 0.6 eye distances proud of
    the eyes it is 0.6 tan(angle): 0.35 at 30 degrees. Infinite where the eyes coincide (a profile, or no face).
    """
    left, right, nose = landmarks[:3].astype(np.float64)
    axis = right - left
    distance_squared = float(axis @ axis)
    if distance_squared <= 0:
        return float("inf")
    return float((nose - (left + right) / 2) @ axis) / distance_squared


def judge(quality: Quality, limits: QualityLimits) -> Rejection | None:
    """Why this face is not to be compared, the cause that the person can mend first; None where it is good."""
    if quality.face_px < limits.min_face_px:
        return Rejection("too_small", f"too small: {quality.face_px:.0f} px, need {limits.min_face_px:.0f}")
    if abs(quality.yaw) > limits.max_yaw:
        return Rejection("turned_away", f"turned away: yaw {abs(quality.yaw):.2f}, at most {limits.max_yaw:.2f}")
    if quality.exposure < limits.min_exposure:
        return Rejection("too_dark", f"too dark: {quality.exposure:.0f} of 255, need {limits.min_exposure:.0f}")
    if quality.exposure > limits.max_exposure:
        return Rejection("too_bright", f"too bright: {quality.exposure:.0f} of 255, at most {limits.max_exposure:.0f}")
    if quality.contrast < limits.min_contrast:
        return Rejection("low_contrast", f"too little contrast: {quality.contrast:.1f}, need {limits.min_contrast:.1f}")
    if quality.sharpness < limits.min_sharpness:
        return Rejection("too_blurred", f"too blurred: {quality.sharpness:.1f}, need {limits.min_sharpness:.1f}")
    return None


def score(quality: Quality, limits: QualityLimits) -> float:
    """How good a shot is, 0..1, to choose the best of several; 0 for one that is rejected.

    The product of size, sharpness and frontality, each 0.5 at its limit and 1 where more of it no longer helps:
    at three times the size, ten times the sharpness, no turn at all.
    """
    if judge(quality, limits) is not None:
        return 0.0
    size = _saturating(quality.face_px, at_half=limits.min_face_px, at_full=3 * limits.min_face_px)
    sharpness = _saturating(quality.sharpness, at_half=limits.min_sharpness, at_full=10 * limits.min_sharpness)
    frontality = _saturating(limits.max_yaw - abs(quality.yaw), at_half=0.0, at_full=limits.max_yaw)
    return size * sharpness * frontality


def _saturating(value: float, *, at_half: float, at_full: float) -> float:
    """A straight line from 0.5 to 1 between two values, flat outside of them."""
    if at_full <= at_half:
        return 1.0
    return 0.5 + 0.5 * min(1.0, max(0.0, (value - at_half) / (at_full - at_half)))
