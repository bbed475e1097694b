"""Made-up writers: each a path of its own, written a little otherwise every time, and forged slowly."""

import numpy as np

from training.signatures.augment import Variation, imitate, vary
from training.signatures.load import Signatures, checked


def signature(seed, *, points=120, strokes=2, ms=10):
    """Returns a (points, 5) float32 trajectory of waves that nobody else has."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, points)[:, None]
    waves = sum(rng.normal(0, 1 / k, 2) * np.sin(2 * np.pi * k * t + rng.uniform(0, 6, 2)) for k in range(1, 9))
    xy = 1000 * (waves + [4, 0] * t)
    end = np.zeros((points, 1))
    end[np.linspace(points // strokes - 1, points - 1, strokes).astype(int)] = 1
    clock = np.arange(points)[:, None] * ms + 150 * np.cumsum(np.roll(end, 1, axis=0), axis=0) * (t > 0)
    press = 80 + 30 * np.sin(7 * t + seed)
    return checked(np.hstack([xy, clock, press, end]).astype(np.float32), f"signature {seed}")


def writers(count=14, *, genuine=6, forgeries=3, seed=0):
    """Returns signatures of made-up writers, half of them genuine ones of a second session."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(count):
        own = signature(1000 + who)
        sessions = ["12"[2 * i >= genuine] for i in range(genuine)]
        rows += [(vary(own, rng, Variation(tempo=0.03)), f"w{who:02}", True, session) for session in sessions]
        rows += [(imitate(own, rng), f"w{who:02}", False, "") for _ in range(forgeries)]
    trajectories, who, kind, session = zip(*rows, strict=True)
    return Signatures(trajectories, np.array(who), np.array(kind), np.array(session))
