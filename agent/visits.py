"""Frame by frame: what is seen of the visitors, and how long that took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from agent.recognise import Recogniser
from agent.types import Frame, Sighting


class Visits:
    """Fed with frames by one thread.

    Args:
        recogniser: looks at them.
        saw: told of each visit that was concluded.
        lent: takes a frame, and returns whether the camera is lent to somebody who is being enrolled: then nobody is
            recognised.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        saw: Callable[[Sighting], object],
        lent: Callable[[Frame], bool] = lambda _: False,
    ) -> None:
        self.frames = 0
        self.began: datetime | None = None  # when the first frame was taken
        self._recogniser, self._saw, self._lent = recogniser, saw, lent
        self._at: datetime | None = None

    @property
    def at(self) -> datetime:
        """When the last frame was taken: the time in a recording."""
        return self._at or datetime.now(UTC)

    def see(self, frame: Frame, arrived: float) -> None:
        """Looks at a frame.

        Args:
            frame: the next one.
            arrived: when the camera gave it, by `time.perf_counter`.
        """
        self.frames += 1
        self.began = self.began or frame.at
        self._at = frame.at
        watch = self._recogniser.stopwatch
        began = time.perf_counter()
        lent = self._lent(frame)
        sightings = self._recogniser.rest(frame.at) if lent else self._recogniser.see(frame)
        if self._recogniser.faces:
            watch.add("frame with a face", (time.perf_counter() - began) * 1e3)
        for sighting in sightings:
            self._saw(replace(sighting, latency_ms=(time.perf_counter() - arrived) * 1e3))

    def finish(self) -> None:
        """The camera has stopped."""
        if self._at is not None:
            for sighting in self._recogniser.finish(self._at):
                self._saw(sighting)
