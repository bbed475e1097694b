"""One signature made into others: as its writer might have written it, and as somebody might imitate it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Trajectory = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variation:
    """How much a writer varies; each amount is a standard deviation, and 0 leaves it alone."""

    warp: float = 0.15
    """Pace along the signature, as the logarithm of a factor that drifts."""
    tempo: float = 0.08
    """Pace as a whole, as the logarithm of a factor. Large ones hide the hesitation of forgers."""
    stretch: float = 0.06
    """Height and width, each on its own, as the logarithm of a factor."""
    turn: float = 0.06
    """Radians."""
    shear: float = 0.06
    bend: float = 0.02
    """Slow drift of the path, in sizes of the signature."""
    jitter: float = 0.002
    """Of each point, in sizes of the signature."""
    drop: float = 0.05
    """Share of points that the tablet loses."""
    pressure: float = 6.0
    """On the whole and drifting, in units of 255."""


def vary(trajectory: Trajectory, rng: np.random.Generator, variation: Variation | None = None) -> Trajectory:
    """Returns the (points, 5) signature as its writer might have written it another time."""
    by = variation or Variation()
    out = trajectory.astype(np.float64)
    kept = rng.random(len(out)) >= by.drop
    kept[[0, -1]] = True
    out = out[kept | (out[:, 4] > 0)]  # the ends of strokes are kept: the pen-up channel hangs on them
    stretch = np.diag(np.exp(rng.normal(0, by.stretch, 2)))
    c, s = np.cos(turn := rng.normal(0, by.turn)), np.sin(turn)
    shape = np.array([[c, -s], [s, c]]) @ np.array([[1, rng.normal(0, by.shear)], [0, 1]]) @ stretch
    middle = out[:, :2].mean(axis=0)
    size = out[:, :2].std() + 1e-6
    out[:, :2] = (out[:, :2] - middle) @ shape.T + middle
    out[:, :2] += size * (by.bend * drift(rng, len(out), 2) + by.jitter * rng.normal(size=(len(out), 2)))
    pace = np.exp(rng.normal(0, by.tempo) + by.warp * drift(rng, len(out), 1)[:, 0])
    out[1:, 2] = np.cumsum(np.diff(out[:, 2]) * pace[1:])
    out[:, 3] += by.pressure * (rng.normal() + drift(rng, len(out), 1)[:, 0])
    out[:, 3] = np.clip(out[:, 3], 0, 255)
    return out.astype(np.float32)


def imitate(trajectory: Trajectory, rng: np.random.Generator) -> Trajectory:
    """Returns the (points, 5) signature as somebody might draw it who sees it: slower, more even, unsteady, off.

    Forgers of SUSIG's training writers take 2.1 times as long as those whose signature it is.
    """
    out = vary(
        trajectory, rng, Variation(warp=0.3, tempo=0.2, stretch=0.15, turn=0.1, shear=0.12, bend=0.12, jitter=0.003)
    ).astype(np.float64)
    passed = np.diff(out[:, 2])
    path = np.hypot(*np.diff(out[:, :2], axis=0).T)
    even = path / max(path.sum(), 1e-9) * passed.sum()  # as long for every bit of the path
    mix = rng.uniform(0.2, 0.7)
    slower = np.exp(rng.uniform(0.0, 1.1))
    out[1:, 2] = np.cumsum(slower * ((1 - mix) * passed + mix * even))
    tremor = drift(rng, len(out), 2, waves=int(rng.integers(8, 20)))
    out[:, :2] += rng.uniform(0.0, 0.03) * (out[:, :2].std() + 1e-6) * tremor
    calm = rng.uniform(0.0, 0.7)
    out[:, 3] = np.clip((1 - calm) * out[:, 3] + calm * out[:, 3].mean() + rng.normal(0, 8), 0, 255)
    return out.astype(np.float32)


def drift(rng: np.random.Generator, count: int, columns: int, *, waves: int = 4) -> NDArray[np.float64]:
    """Returns (count, columns) smooth chance of variance 1: half sines up to `waves` with random weights."""
    along = np.linspace(0, np.pi, count)[:, None] * np.arange(1, waves + 1)
    phase = rng.uniform(0, 2 * np.pi, (waves, columns))
    weight = rng.normal(size=(waves, columns)) * np.sqrt(2 / waves)
    # sum over waves of w cos(k t + phase): the variance of each is 1/2 of w squared
    return np.asarray(np.cos(along) @ (weight * np.cos(phase)) - np.sin(along) @ (weight * np.sin(phase)))
