"""How it goes: the learning rate, the means of the losses, and how many samples a second are loaded and learnt from."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

WARM_UP = 0.02
"""Share of a phase in which the rate rises."""


def schedule(progress: float, peak: float, last: float) -> float:
    """Returns the learning rate: a short linear warm-up to `peak`, then half a cosine down to `last`."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 0.01)
    return last + (peak - last) * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


class Meter:
    """Seconds spent waiting for samples and learning from them, since it was last read."""

    def __init__(self) -> None:
        self._seconds = {"wait": 0.0, "step": 0.0}
        self._samples = 0

    @contextmanager
    def measuring(self, part: str) -> Iterator[None]:
        """Counts the time of its block to "wait" or "step"."""
        began = time.perf_counter()
        yield
        self._seconds[part] += time.perf_counter() - began

    def count(self, samples: int) -> None:
        """Adds samples, of all processes."""
        self._samples += samples

    def read(self) -> dict[str, float]:
        """Returns samples a second in all and of the step alone, and the share of time spent waiting; begins anew."""
        wait, step = self._seconds["wait"], self._seconds["step"]
        figures = {
            "samples_per_second": round(self._samples / max(wait + step, 1e-9), 1),
            "step_samples_per_second": round(self._samples / max(step, 1e-9), 1),
            "waiting": round(wait / max(wait + step, 1e-9), 4),
        }
        self._seconds, self._samples = {"wait": 0.0, "step": 0.0}, 0
        return figures


def told(pace: Mapping[str, float]) -> dict[str, float]:
    """Returns what is printed of what a `Meter` read, with `loader`: samples a second, and the share of waiting."""
    names = {"samples/s": "samples_per_second", "step/s": "step_samples_per_second"}
    return {name: pace[key] for name, key in names.items()} | {"loader/s": pace["loader"], "waiting": pace["waiting"]}


class Means:
    """The means of the losses since they were last read; on the device until then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._steps = 0

    def add(self, parts: Mapping[str, Tensor]) -> None:
        """Adds those of a step, each a single number."""
        for name, value in parts.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._steps += 1

    def read(self) -> dict[str, float]:
        """Returns them, and begins anew."""
        means = {name: round(float(value) / max(self._steps, 1), 4) for name, value in self._sums.items()}
        self._sums, self._steps = {}, 0
        return means
