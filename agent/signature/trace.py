"""What came from the glass, as a trajectory, or why it is no signature: a slip of the pen is never compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.errors import SignatureRefused
from agent.signature.features import UNTOLD_PRESSURE
from agent.types import Floats

COLUMNS: Final = ("x", "y", "ms", "pressure", "end")
MOST_POINTS: Final = 2000  # ten seconds of a screen that reports 200 times a second
FEWEST_POINTS: Final = 16  # the shortest signature of SUSIG has 77
LONGEST_MS: Final = 30_000  # 1 in 2,000 of SUSIG's takes longer
SHORTEST_MS: Final = 300  # the quickest of SUSIG takes 890
BACKWARDS_MS: Final = 50  # a clock may jump back by; those of tablets do by 10
SMALLEST: Final = 40  # CSS pixels across, 8 mm on a screen at the wall
SHORTEST_PATH: Final = 4.5  # sizes: a straight line is 3.5 long, the shortest signature of SUSIG 6.3
FASTEST: Final = 45.0  # sizes a second on the whole: the fastest of SUSIG writes 22
HARDEST: Final = 255.0
_UNTOLD = 3  # values: Pointer Events, 10.1.3: 0.5 where the hardware feels nothing, and 0 or 1 at the ends


def trace(points: Sequence[Sequence[float]]) -> Floats:
    """Returns a signature as (points, 5) float32, see `COLUMNS`; milliseconds from its beginning, pressure to 255.

    Args:
        points: rows of x to the right and y downwards in CSS pixels, milliseconds, pressure from 0 to 1, and 1 where
            the pen is lifted.

    Raises:
        SignatureRefused: it is none; the code says why, and the message what to do.
    """
    rows = np.asarray(points, np.float64).reshape(-1, len(COLUMNS)) if len(points) else np.zeros((0, len(COLUMNS)))
    if len(rows) < FEWEST_POINTS:
        raise SignatureRefused("too_short", f"{len(rows)} points are no signature: sign in full")
    if len(rows) > MOST_POINTS:
        raise SignatureRefused("too_long", f"{len(rows)} points are too many, {MOST_POINTS} the most: sign once")
    if not np.isfinite(rows).all() or not ((rows[:, 3:] >= 0) & (rows[:, 3:] <= 1)).all():
        raise SignatureRefused("not_readable", "want numbers: x, y, ms, pressure 0 to 1, end of a stroke 0 or 1")
    if (np.diff(rows[:, 2]) < -BACKWARDS_MS).any():
        raise SignatureRefused("not_readable", "the time of the points goes back")
    rows[:, 2] = np.maximum.accumulate(rows[:, 2] - rows[0, 2])
    _check_written(rows)
    rows[:, 3] = HARDEST * rows[:, 3] if tells_pressure(rows[:, 3]) else UNTOLD_PRESSURE
    rows[:, 4] = rows[:, 4].round()
    return rows.astype(np.float32)


def tells_pressure(pressure: NDArray[Any]) -> bool:
    """Whether (points,) pressures from 0 to 1 were felt: a finger and a simple pen tell the same all the time."""
    return len(np.unique(pressure.round(3))) > _UNTOLD


def _check_written(rows: NDArray[np.float64]) -> None:
    """Refuses what is no signature by its shape and pace.

    Raises:
        SignatureRefused: a dot, a line, a scribble of a moment, or one that takes too long.
    """
    duration, xy = float(rows[-1, 2]), rows[:, :2]
    if duration < SHORTEST_MS or max(np.ptp(xy, axis=0)) < SMALLEST:
        raise SignatureRefused("too_short", "that was a dot: sign in full, as large as on paper")
    if duration > LONGEST_MS:
        raise SignatureRefused("too_long", f"it took {duration / 1000:.0f} s, {LONGEST_MS // 1000} s are the most")
    size = float(np.sqrt(((xy - xy.mean(axis=0)) ** 2).sum(axis=1).mean()))
    path = float(np.hypot(*np.diff(xy, axis=0).T).sum()) / size
    if path < SHORTEST_PATH:
        raise SignatureRefused("too_short", "that was a line: sign in full")
    if path / (duration / 1000) > FASTEST:
        raise SignatureRefused("too_fast", "nobody writes so fast: sign by hand")
