"""A pen trajectory as the picture that a scanner would have taken of it: ink on paper, without any time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 112
FINE = 4
"""Lines are drawn this many times larger, since OpenCV's have whole numbers of pixels, and then shrunk."""
MARGIN = 0.05
PAPER, INK = 255, 20
BITS = 4
"""Fractional bits of coordinates (OpenCV's `shift`)."""


def render(trajectory: NDArray[np.float32], *, side: int = SIDE, pen: float = 1.0) -> NDArray[np.uint8]:
    """Returns the signature as a (side, side, 3) uint8 picture, as large as fits and in the middle.

    Args:
        trajectory: (points, 5): x, y downwards, milliseconds, pressure 0..255, 1 at the end of a stroke.
        side: pixels.
        pen: how broad the pen is, of the usual.
    """
    large = side * FINE
    xy = trajectory[:, :2].astype(np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    scale = (1 - 2 * MARGIN) * (large - 1) / max(float((high - low).max()), 1e-6)
    xy = (xy - (low + high) / 2) * scale + (large - 1) / 2
    ends = np.round(xy * 2**BITS).astype(np.int32)
    # 1 pixel of 112 at the usual pressure of 70; a pen pressed to 255 leaves two
    broad = np.clip(pen * large / SIDE * (0.6 + 0.4 * trajectory[:, 3] / 70), 1, None).round().astype(int)
    canvas = np.full((large, large), PAPER, np.uint8)
    for i in np.flatnonzero(trajectory[:-1, 4] == 0):
        start, end = ends[i].tolist(), ends[i + 1].tolist()
        cv2.line(canvas, start, end, INK, int(broad[i]), cv2.LINE_AA, BITS)
    small = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(np.repeat(small[:, :, None], 3, axis=2), np.uint8)


def scan(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Returns a (S, S, 3) picture as another scanner or camera might have seen it: other ink and paper, blur, grain."""
    ink = (PAPER - picture[:, :, :1].astype(np.float32)) / (PAPER - INK)
    if rng.random() < 0.5:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 0.9))[:, :, None]
    paper = rng.uniform(215, 255) + rng.normal(0, 4, 3)
    dark = np.array([rng.uniform(0, 60), rng.uniform(0, 60), rng.uniform(0, 110)])  # blue pens are usual
    seen = paper + ink * (dark - paper) + rng.normal(0, rng.uniform(0, 5), (*picture.shape[:2], 1))
    return np.asarray(np.clip(seen, 0, 255), np.uint8)
