"""Decides cheaply whether a picture is worth a look: an empty hall costs next to nothing.

Each picture, shrunk to 80x60 grey cells, is compared with a background that slowly becomes like it. What differs for
longer than the background takes to adapt (a chair moved, the lamp left on) is background; a change of all cells alike
(a cloud, the camera's own exposure) is none at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from agent.elapsed import Elapsed
from agent.types import Floats, Image

_CELLS = (80, 60)  # width, height: a face of 64 px in 640x480 is 8x8 cells


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionSettings:
    """What is motion, and how long it lasts."""

    # Grey levels of a cell, and cells of 4,800. With these, noise of 15 levels a pixel (webcams have 3 to 6 in dim
    # light) set off 2 of 380 pictures, and a face of 64 px that appeared was noticed in all of 100.
    min_change: float = 12.0
    min_cells: int = 12
    hold_seconds: float = 2.0  # go on looking for so long after the last motion
    adapt_seconds: float = 5.0  # time constant of the background
    look_anyway_seconds: float = 1.0  # a look at a still picture now and then: nobody is overlooked for longer


class MotionGate:
    """Fed with every picture; says which ones to search for faces."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self._settings = settings or MotionSettings()
        self._elapsed = Elapsed()
        self._background: Floats | None = None  # (60, 80) float32 grey
        self._before = 0.0  # elapsed seconds of the last picture
        self._until = 0.0  # motion holds until then
        self._looked = 0.0  # the last time the answer was yes

    def moved(self, image: Image, at: datetime) -> bool:
        """True if this picture should be searched: it moved, or did lately, or the last look was long ago."""
        now = self._elapsed(at)
        if self._changed(_cells(image), now):
            self._until = now + self._settings.hold_seconds
        look = now <= self._until or now - self._looked >= self._settings.look_anyway_seconds
        if look:
            self._looked = now
        return look

    def keep(self, at: datetime) -> None:
        """Somebody is there: go on looking, however still they stand."""
        self._until = max(self._until, self._elapsed(at) + self._settings.hold_seconds)

    def _changed(self, cells: Floats, now: float) -> bool:
        """True if enough cells differ from the background, which then becomes a little more like them."""
        if self._background is None:
            self._background = cells
            return True
        change = cells - self._background
        # the cell in the middle of all changes is background as long as less than half of the picture moves
        moving = np.abs(change - np.median(change)) > self._settings.min_change
        self._background += change * np.float32(1 - math.exp((self._before - now) / self._settings.adapt_seconds))
        self._before = now
        return int(np.count_nonzero(moving)) >= self._settings.min_cells


def _cells(image: Image) -> Floats:
    """(60, 80) float32 grey: some pixels of each cell and its neighbours, at a fifth of the cost of averaging all."""
    width, height = _CELLS
    sparse = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(sparse, _CELLS, interpolation=cv2.INTER_AREA)
    # 4 pixels a cell, and 3x3 cells, take the noise of the camera down to a sixth
    return np.asarray(cv2.blur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (3, 3)), np.float32)
