"""The agent's workers: started sink first, stopped source first, within one deadline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from agent.runtime import Deadline, Step, Worker

PART_SECONDS = 3.0  # for each to stop


class Crew:
    """Makes workers and stops them.

    Args:
        crashed: told of an unexpected error in any of them.
        stopping: for all of them to stop.
    """

    def __init__(self, crashed: Callable[[BaseException], None], stopping: Deadline) -> None:
        self._crashed, self._stopping = crashed, stopping
        self._workers: list[Worker] = []
        self._beside: list[Worker] = []

    def hire(self, name: str, step: Step, *, wake: Callable[[], object] = lambda: None) -> Worker:
        """Returns a worker that has not begun; whoever asks stops it.

        Args:
            name: of the thread.
            step: see `agent.runtime.Step`.
            wake: lets a step that waits return at once.
        """
        worker = Worker(name, step, crashed=self._crashed, wake=wake)
        self._workers.append(worker)
        return worker

    def work(
        self,
        stack: ExitStack,
        name: str,
        step: Step,
        *,
        at_last: Callable[[], None] | None = None,
        wake: Callable[[], object] = lambda: None,
    ) -> Worker:
        """Starts a worker that `stack` stops. After that, what it worked with is free for `at_last`."""
        worker = self.hire(name, step, wake=wake)
        worker.start()

        def stop() -> None:
            if worker.stop(self._stopping.left(PART_SECONDS)) and at_last is not None:
                at_last()

        stack.callback(stop)
        return worker

    def work_beside(self, stack: ExitStack, name: str, step: Step) -> None:
        """Starts a worker on which nothing waits that was decided: these stop all at once, see `leave`."""
        self._beside.append(self.work(stack, name, step))

    def leave(self) -> None:
        """Lets those beside make their present step the last, without waiting for it."""
        for worker in self._beside:
            worker.stop_soon()

    @property
    def alive(self) -> bool:
        """Whether each makes progress, is done, or was never asked to work."""
        return all(worker.alive for worker in self._workers)
