"""Turns what the libraries give into our kind of image: RGB, upright, contiguous."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Image

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def upright(image: NDArray[Any], rotation: int = 0) -> Image:
    """Return the image turned clockwise by 0, 90, 180 or 270 degrees, contiguous."""
    turned = cv2.rotate(image, _TURNS[rotation]) if rotation else image
    return np.ascontiguousarray(turned, dtype=np.uint8)


def from_bgr(image: NDArray[Any], rotation: int = 0) -> Image:
    """Return OpenCV's own order of channels as RGB, turned."""
    return upright(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), rotation)
