"""Threads: a worker repeats a step until it is stopped, a `Latest` hands frames over, a `Deadline` bounds the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Step: TypeAlias = Callable[[], bool | None]
"""Does a little, or waits a little; returns False when there is nothing left to do, ever."""
MOMENT_SECONDS = 0.1


class Worker:
    """A thread that repeats `step`. Every step returns within a second or two, busy or not, so that progress shows.

    Args:
        name: of the thread.
        step: see `Step`.
        crashed: told of an unexpected error, which ends the worker.
        patience_seconds: how long one step may take before the watchdog is left to bite.
        wake: lets a step that waits return at once.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        *,
        crashed: Callable[[BaseException], None],
        patience_seconds: float = 30.0,
        wake: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.finished = threading.Event()
        self._step, self._crashed, self._patience, self._wake = step, crashed, patience_seconds, wake
        self._stopping = threading.Event()
        self._progress = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._progress = time.monotonic()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it makes progress, is done, or was never asked to work."""
        idle = self._thread.ident is None or self.finished.is_set()
        return idle or time.monotonic() - self._progress < self._patience

    def stop_soon(self) -> None:
        """Lets the present step be the last, without waiting for it."""
        self._stopping.set()

    def stop(self, seconds: float = 10.0, *, after_all: bool = False) -> bool:
        """Lets the present step be the last, waits for it, and returns whether it has ended. May be called again.

        Args:
            seconds: how long to wait at the most.
            after_all: let the steps end by themselves, if they do in that time.
        """
        deadline = time.monotonic() + seconds
        if after_all and self._thread.is_alive():
            self.finished.wait(seconds)
        self._stopping.set()
        if self._thread.is_alive():
            self._wake()
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            log.warning("worker does not stop: %s", self.name)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._step() is False:
                    break
                self._progress = time.monotonic()
        except BaseException as error:  # noqa: BLE001 - told: no thread dies in silence
            self._crashed(error)
        finally:
            self.finished.set()


def once(act: Callable[[], object]) -> Step:
    """Returns a step that acts, and is the last."""

    def step() -> bool:
        act()
        return False

    return step


class Latest(Generic[T]):
    """A place for one value.

    Args:
        lossless: `put` waits until the value before was taken; otherwise it is replaced, and counted as dropped.
    """

    def __init__(self, *, lossless: bool = False) -> None:
        self.dropped = 0
        self._lossless = lossless
        self._value: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, value: T) -> None:
        """Leaves a value; does nothing once closed."""
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: self._value is None or self._closed)
            if self._closed:
                return
            self.dropped += self._value is not None
            self._value = value
            self._changed.notify_all()

    def take(self, seconds: float) -> T | None:
        """Returns the value, or None if there is none within the time; once closed, what is left is still given."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._closed, seconds)
            value, self._value = self._value, None
            self._changed.notify_all()
            return value

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come and nothing is left."""
        with self._changed:
            return self._closed and self._value is None


class Deadline:
    """Time for several things that are done one after the other; it runs from the first question.

    Args:
        seconds: for all of them.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at: float | None = None  # monotonic seconds

    def left(self, most: float) -> float:
        """Returns how many seconds one of them may take: `most`, or less; a moment where nothing is left."""
        now = time.monotonic()
        if self._at is None:
            self._at = now + self._seconds
        return max(MOMENT_SECONDS, min(most, self._at - now))
