"""Batches made ahead by other processes, handed over in shared memory.

Worker w of N makes steps w, w + N, w + 2N, ... from `first` on, and the loop takes them in turn. What a step's batch is
depends on the step alone (see `training.data.batches`), never on how many workers there are or which is quicker.

                 free slots                          full slots
    loop  ---------------------->  worker  ---------------------->  loop
           (number of the slot)            (number, or what failed)

Threads would hold Python's lock while the net waits for it. Workers are forked, so that they share the pictures' memory
maps, and die with their parent. When all slots are full, workers wait; nothing is dropped.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.background import die_with
from training.data.errors import DataError

Batch: TypeAlias = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """Where the time goes, since the last look."""

    loader: float  # samples a second that the workers could make, all together
    step: float  # samples a second that the loop took
    waited: float  # share of the loop's time that it waited for batches, 0..1

    def __str__(self) -> str:
        return f"loader {self.loader:.0f}/s, step {self.step:.0f}/s, waited {self.waited:.1%}"


class Loader:
    """An endless iterator of batches. A context manager: its workers end with it.

    Args:
        draw: makes the batch of a step, a tuple of arrays (B, ...); shapes and types never change.
        workers: how many processes; 0 makes batches in this one, when asked.
        first: the step to begin with.
        slots: batches that each worker may be ahead.

    Raises:
        DataError: fewer than no workers, or no slots.
    """

    def __init__(self, draw: Callable[[int], Batch], *, workers: int = 1, first: int = 0, slots: int = 4) -> None:
        if workers < 0 or slots < 1:
            raise DataError(f"a loader wants 0 workers or more and 1 slot or more, not {workers} and {slots}")
        self._draw, self._first, self.step = draw, first, first
        self.ahead = workers * (slots + 1)
        """Steps beyond the present one that may be drawn already: nothing can change these any more."""
        self._busy = _shared((max(workers, 1), 2), np.dtype(np.float64))  # seconds, samples of each worker
        self._looked, self._seen, self._waited, self._taken = time.monotonic(), self._busy.copy(), 0.0, 0
        layout = [(array.shape, array.dtype) for array in draw(first)] if workers else []
        self._workers = [
            _Worker(draw, layout, range(first + w, 2**62, workers), slots, self._busy[w]) for w in range(workers)
        ]

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """Returns the next step's batch; the arrays are the caller's own.

        Raises:
            DataError: a worker failed or was killed.
        """
        began = time.monotonic()
        if self._workers:
            batch = self._workers[(self.step - self._first) % len(self._workers)].take()
        else:
            batch = _timed(self._draw, self.step, self._busy[0])
        self._waited += time.monotonic() - began
        self._taken += len(batch[0])
        self.step += 1
        return batch

    def speed(self) -> Speed:
        """Returns how fast both sides were since the last call, or the beginning."""
        now, busy = time.monotonic(), self._busy.copy()
        seconds, made = (busy - self._seen).T
        each = np.divide(made, seconds, out=np.zeros_like(made), where=seconds > 0)
        passed = max(now - self._looked, 1e-9)
        speed = Speed(float(each.sum()), self._taken / passed, self._waited / passed)
        self._looked, self._seen, self._waited, self._taken = now, busy, 0.0, 0
        return speed

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._workers:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """What a worker does."""

    draw: Callable[[int], Batch]
    steps: range
    slots: list[Batch]  # shared
    busy: NDArray[np.float64]  # (2,) seconds and samples, shared


class _Worker:
    """One process, and the slots through which its batches come."""

    def __init__(
        self,
        draw: Callable[[int], Batch],
        layout: list[tuple[tuple[int, ...], np.dtype[Any]]],
        steps: range,
        slots: int,
        busy: NDArray[np.float64],
    ) -> None:
        context = multiprocessing.get_context("fork")
        self._slots = [tuple(_shared(shape, dtype) for shape, dtype in layout) for _ in range(slots)]
        self._full, theirs = context.Pipe()
        for number in range(slots):
            self._full.send(number)
        self._process = context.Process(
            target=_work, args=(theirs, self._full, os.getpid(), _Task(draw, steps, self._slots, busy)), daemon=True
        )
        self._process.start()
        theirs.close()

    def take(self) -> Batch:
        """Returns a copy of the next batch, and gives its slot back."""
        wait([self._full, self._process.sentinel])
        try:
            said = self._full.recv()
        except (EOFError, OSError) as error:
            self._process.join(1)
            raise DataError(
                f"a worker that makes batches ended (exit code {self._process.exitcode}); killed for lack of memory? "
                "Fewer workers want less"
            ) from error
        if isinstance(said, str):
            raise DataError(f"a worker could not make a batch: {said}")
        batch = tuple(array.copy() for array in self._slots[said])
        with suppress(OSError):  # it has ended: what it said of that, or its end, comes with the next
            self._full.send(said)
        return batch

    def end(self) -> None:
        self._full.close()
        self._process.terminate()
        self._process.join()


def _work(pipe: Connection, other_end: Connection, parent: int, task: _Task) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair, which ends this
    other_end.close()
    die_with(parent)
    cv2.setNumThreads(0)
    for step in task.steps:
        try:
            slot = pipe.recv()
            for place, array in zip(task.slots[slot], _timed(task.draw, step, task.busy), strict=True):
                place[...] = array
            pipe.send(slot)
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the loop has ended
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop has to know
            pipe.send(f"step {step}: {type(error).__name__}: {error}")
            return


def _timed(draw: Callable[[int], Batch], step: int, busy: NDArray[np.float64]) -> Batch:
    began = time.monotonic()
    batch = draw(step)
    busy += (time.monotonic() - began, len(batch[0]))
    return batch


def _shared(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns zeros in memory that a forked process shares."""
    size = int(np.prod(shape)) * dtype.itemsize
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), dtype, count=int(np.prod(shape))).reshape(shape)
