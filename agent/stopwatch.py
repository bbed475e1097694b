"""How long each stage takes: the last thousand times of each, in milliseconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

KEPT = 1000


class Stopwatch:
    """Filled by one thread; `percentiles` may be asked from another."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what happens inside."""
        began = time.perf_counter()
        yield
        self.add(name, (time.perf_counter() - began) * 1e3)

    def add(self, name: str, milliseconds: float) -> None:
        """Adds one time."""
        self._times.setdefault(name, deque(maxlen=KEPT)).append(milliseconds)

    def percentiles(self) -> dict[str, tuple[float, float]]:
        """Returns the median and the 95th percentile of each stage, ms, in the order the stages came up."""
        times = {name: list(values) for name, values in list(self._times.items())}
        return {name: (float(np.percentile(t, 50)), float(np.percentile(t, 95))) for name, t in times.items() if t}
