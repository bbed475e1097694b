"""Smooth fields on a grid: the brush strokes that shapes and skins are made of. All arrays are float32."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from agent.types import Floats


def bump(x: Floats, y: Floats, at: tuple[float, float], size: tuple[float, float]) -> Floats:
    """A bell of height 1 at `at`; it falls to 1/e at `size` from there. Same shape as `x`."""
    return np.asarray(np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2), np.float32)


def pair(x: Floats, y: Floats, at: tuple[float, float], size: tuple[float, float]) -> Floats:
    """The same bell on both sides of the face's midline x = 0."""
    return bump(np.abs(x), y, at, size)


def step(value: Floats, low: float | Floats, high: float | Floats) -> Floats:
    """0 at `low`, 1 at `high` (which may be the smaller one), smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def line(x: Floats, y: Floats, points: Sequence[tuple[float, float]], width: float) -> Floats:
    """A soft line of height 1 along a polyline."""
    nearest = np.full(np.broadcast(x, y).shape, np.inf, np.float32)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-6)
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0.0, 1.0)
        away = (x - x0 - along * (x1 - x0)) ** 2 + (y - y0 - along * (y1 - y0)) ** 2
        nearest = np.minimum(nearest, away)
    return np.asarray(np.exp(-nearest / (width * width)), np.float32)


def noise(seed: int, shape: tuple[int, int], cells: tuple[float, float]) -> Floats:
    """Smooth noise (H, W), mean 0 and standard deviation about 1; `cells` = rows and columns of its coarse grid."""
    rng = np.random.default_rng(seed)
    coarse = rng.standard_normal((max(round(cells[0]), 2), max(round(cells[1]), 2)), np.float32)
    fine = np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray((fine - fine.mean()) / max(float(fine.std()), 1e-6), np.float32)


def curve(knots: Floats, at: Floats) -> Floats:
    """Catmull-Rom curve through `knots` (K, C) at `at` (N,) in 0..1 -> (N, C).

    Columns are y, half width, depth to the front, depth to the back, centre. At its ends the curve is mirrored
    (all but y and centre change sign), so that a surface made of its rings closes roundly.
    """
    mirror = np.array([1, -1, -1, -1, 1], np.float32)
    path = np.vstack([knots[1] * mirror, knots, knots[-2] * mirror]).astype(np.float32)
    where = np.clip(at, 0.0, 1.0) * (len(knots) - 1)
    i = np.minimum(where.astype(int), len(knots) - 2)
    t = (where - i)[:, None].astype(np.float32)
    p0, p1, p2, p3 = path[i], path[i + 1], path[i + 2], path[i + 3]
    # the standard Catmull-Rom basis with tension 1/2
    cubic = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    return np.asarray(0.5 * cubic, np.float32)


def linear(colour: Sequence[float]) -> Floats:
    """A colour as one picks it (sRGB, 0..1) in linear light, (3,)."""
    return np.asarray(colour, np.float32) ** 2.2


def mix(base: Floats, over: Floats, amount: Floats) -> Floats:
    """`base` (H, W, 3) with the colour `over` laid on it by `amount` (H, W) in 0..1."""
    return base + (over - base) * amount[..., None]
