"""People who sign: made-up writers, a little otherwise each time."""

import numpy as np

from agent.signature.selftest import made_up
from training.signatures.augment import Variation, vary

WIDTH, HEIGHT = 320, 180  # CSS pixels


def signed(writer, time=0, *, finger=True):
    """Returns what a writer's pen did the `time`th time: (points, 5) of x, y, ms, pressure 0 to 1, end of a stroke."""
    rows = vary(made_up(writer), np.random.default_rng((writer, time)), Variation(warp=0.05, bend=0.008)).astype(float)
    rows[:, :2] -= rows[:, :2].min(axis=0)
    rows[:, :2] *= min(WIDTH / rows[:, 0].max(), HEIGHT / rows[:, 1].max())
    rows[:, 2] -= rows[0, 2]
    rows[:, 3] = 0.5 if finger else rows[:, 3] / 255
    return rows.round(3)


def points(writer, time=0, **more):
    """Returns the same as JSON."""
    return signed(writer, time, **more).tolist()
