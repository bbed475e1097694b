"""Lens, shutter and what is done to a picture on its way. All take and return (S, S, 3) uint8 RGB."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]


def motion(picture: Picture, random: np.random.Generator, *, longest: float) -> Picture:
    """The face moved while the shutter was open: smeared along a line of up to `longest` pixels."""
    length = random.uniform(min(1.5, longest), max(longest, 1.5))
    angle = random.uniform(0, np.pi)
    half = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    size = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    # A line drawn with soft edges, in 256ths of a pixel.
    ends = np.round((size // 2 + np.stack([-half, half])) * 256).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_8, 8)
    return _spread(picture, cv2.GaussianBlur(kernel, (3, 3), 0.5))


def defocus(picture: Picture, random: np.random.Generator, *, largest: float) -> Picture:
    """Out of focus: every point becomes a disc of up to `largest` pixels' radius."""
    radius = random.uniform(min(0.5, largest), max(largest, 0.5))
    reach = int(np.ceil(radius)) + 1
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(line[:, None], line[None, :])
    return _spread(picture, np.clip(np.float32(radius + 0.5) - distance, 0, 1))  # the rim's pixels count in part


def _spread(picture: Picture, kernel: NDArray[np.float32]) -> Picture:
    spread = cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(spread, np.uint8)


def coarse(picture: Picture, random: np.random.Generator, *, coarsest: float) -> Picture:
    """Taken from afar: made smaller, down to the scale `coarsest`, and large again, smoothly or in squares."""
    side = picture.shape[0]
    small = max(4, int(side * random.uniform(coarsest, max(0.8, coarsest))))
    how = cv2.INTER_LINEAR if random.random() < 0.7 else cv2.INTER_NEAREST
    taken = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(taken, (side, side), interpolation=how), np.uint8)


def compression(picture: Picture, random: np.random.Generator, *, lowest: float) -> Picture:
    """Sent as JPEG of a quality from `lowest` to 75."""
    quality = round(random.uniform(lowest, max(75, lowest)))
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])  # colour is packed harder
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)
