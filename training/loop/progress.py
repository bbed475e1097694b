"""A bar with the time that is left, on a terminal; lines in a log elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

QUIET_SECONDS = 30.0
"""Between two lines where there is no terminal."""


class Progress:
    """How many samples of how many were seen."""

    def __init__(self, total: int, *, shown: bool) -> None:
        self._console, self._total, self._shown = Console(), total, shown
        self._bar: Bar | None = None
        self._began, self._first, self._last = 0.0, -1, 0.0
        if shown and self._console.is_terminal:
            columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
            self._bar = Bar(TextColumn("training"), *columns, console=self._console, speed_estimate_period=120)
            self._task = self._bar.add_task("training", total=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def at(self, seen: int) -> None:
        """Moves the bar, or now and then prints where it would be."""
        if self._first < 0:
            self._first, self._began, self._last = seen, time.monotonic(), time.monotonic()
        if self._bar:
            self._bar.update(self._task, completed=seen)
        elif self._shown and seen > self._first and time.monotonic() - self._last > QUIET_SECONDS:
            self._last = time.monotonic()
            left = (self._last - self._began) / (seen - self._first) * (self._total - seen)
            print(f"{seen:,} of {self._total:,} samples, {left / 60:.0f} min left", flush=True)

    def say(self, figures: Mapping[str, float]) -> None:
        """Prints figures on a line."""
        line = "  ".join(f"{name} {value:g}" for name, value in figures.items())
        if self._bar:
            self._console.print(line, highlight=False)
        elif self._shown:
            print(line, flush=True)
