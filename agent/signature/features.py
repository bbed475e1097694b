"""What the pen did, as a sequence of fixed length: position, velocity, direction, bending, pressure, pen up.

One file for training and for the door. The channels are those of the verification
literature: the time functions of Martinez-Diaz, Fierrez, Krish and Galbally (2014, "Mobile signature verification:
feature robustness and performance comparison", IET Biometrics 3) and of TA-RNN (Tolosana, Vera-Rodriguez, Fierrez and
Ortega-Garcia 2021, "DeepSign", IEEE T-BIOM 3), brought into one range, since an int8 input has one scale for them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = (
    "x",
    "y",
    "vx",
    "vy",
    "speed",
    "cos",
    "sin",
    "bend",
    "radius",
    "push",
    "pressure",
    "pressing",
    "up",
    "when",
    "duration",
)
LENGTH = 128
VERSION = 1
"""Of this file: an encoder was trained on what it makes, and its card says so."""
UNTOLD_PRESSURE = 70.0
"""Stands for what a finger or a simple pen does not tell; both channels of pressure are then 0."""
LIMIT = 3.0
"""Every channel is clipped to -3..3; one int8 step is then 0.024."""
LONGEST_PAUSE_MS = 400.0
"""A pen in the air for longer says that its owner thought, and would leave no steps for the signature itself."""
USUAL_SPEED = 8.0
"""Sizes a second: the median of SUSIG's training writers."""
USUAL_SECONDS = 3.0


def features(trajectory: NDArray[Any], *, length: int = LENGTH) -> NDArray[np.float32]:
    """Returns a signature as (length, 15) float32, see `CHANNELS`; the same wherever and however large it was written.

    Steps are even along the path. Even in time is a little worse, and a hesitation would push all that follows out of
    place; how long each step took is in the channels.

    Args:
        trajectory: (points, 5): x, y downwards, milliseconds that never go back, pressure 0..255, 1 where a stroke
            ends.
        length: steps of the result.
    """
    xy, seconds, pressure, up = resample(trajectory, length)
    size = max(float(np.sqrt(((xy - xy.mean(axis=0)) ** 2).sum(axis=1).mean())), 1e-6)
    xy = (xy - xy.mean(axis=0)) / size
    step = slope(xy)  # (T, 2) sizes a step
    pace = np.maximum(slope(seconds), 1e-4)  # seconds a step
    distance = np.hypot(*step.T)
    speed = distance / pace
    angle = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    bend = slope(angle)
    quick = np.log1p(speed / USUAL_SPEED)  # a stroke ten times as fast is not ten times as telling
    unit = step / np.maximum(distance, 1e-6)[:, None]
    whole = seconds[-1]
    columns = [
        *xy.T,
        *(2 * quick[:, None] * unit).T,
        1.5 * np.log(speed / USUAL_SPEED + 0.05) + 0.5,
        *unit.T,
        2 * bend,
        0.7 * (np.log((distance + 0.01) / (np.abs(bend) + 0.01)) + 0.5),
        4 * slope(quick),
        (pressure - UNTOLD_PRESSURE) / 35,
        slope(pressure) / 10,
        2 * up,
        6 * (seconds / whole - np.linspace(0, 1, length)),
        np.full(length, 2 * np.log(whole / USUAL_SECONDS)),
    ]
    return np.asarray(np.clip(np.stack(columns, axis=1), -LIMIT, LIMIT), np.float32)


def resample(
    trajectory: NDArray[Any], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns position (T, 2), seconds (T,), pressure (T,) and whether the pen is up (T,) 0 or 1, at even steps."""
    points = np.asarray(trajectory, np.float64)
    gap = np.minimum(np.diff(points[:, 2]), LONGEST_PAUSE_MS) / 1000
    seconds = np.r_[0.0, np.cumsum(gap)]
    path = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))]
    # of points at the same place the last, which says whether the pen was lifted there
    keep = np.r_[np.diff(path) > 1e-9 * path[-1], True]
    along, points, seconds = path[keep], points[keep], seconds[keep]
    at = np.linspace(along[0], along[-1], length)
    xy = np.stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])], axis=1)
    before = np.clip(np.searchsorted(along, at, side="right") - 1, 0, len(along) - 2)
    up = points[before, 4] * (at > along[before])  # between the last point of a stroke and the next one
    return xy, np.interp(at, along, seconds), np.interp(at, along, points[:, 3]), up


def slope(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the change a step, by regression over five steps, of (T,) or (T, C) values; the ends are repeated."""
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    # least squares through -2..2: sum of k * v[k] over sum of k squared = 10
    return np.asarray((2 * (padded[4:] - padded[:-4]) + padded[3:-1] - padded[1:-3]) / 10)
