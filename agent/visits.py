"""What happens at the door: each sighting becomes a decision, the door hears of it first, then the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from agent.access.verdicts import decide
from agent.bodies import access_body, clock_state
from agent.config import Config
from agent.hardware.doors import Door
from agent.recognise import Recogniser
from agent.recorder import Recorder
from agent.types import Decision, Frame, Outcome, Sighting


class Visits:
    """Fed with frames by one thread."""

    def __init__(
        self,
        config: Config,
        recogniser: Recogniser,
        door: Door,
        recorder: Recorder,
        *,
        model: str,
        told: Callable[[Decision], None],
    ) -> None:
        self.frames = 0
        self.began: datetime | None = None  # when the first frame was taken
        self.opened_by: str | None = None
        self._config, self._recogniser, self._door, self._recorder = config, recogniser, door, recorder
        self._model, self._told = model, told
        self._at: datetime | None = None

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
        sightings = self._recogniser.see(frame)
        if self._recogniser.faces:
            watch.add("frame with a face", (time.perf_counter() - began) * 1e3)
        for sighting in sightings:
            self._act(sighting, (time.perf_counter() - arrived) * 1e3)

    def finish(self) -> None:
        """The camera has stopped."""
        if self._at is not None:
            for sighting in self._recogniser.finish(self._at):
                self._act(sighting, 0.0)

    def _act(self, sighting: Sighting, latency_ms: float) -> None:
        told = self._config.door
        decision = decide(
            replace(sighting, latency_ms=latency_ms),
            storage_ok=self._recorder.healthy,
            open_without_storage=told.on_storage_failure == "open",
        )
        try:
            if decision.outcome is Outcome.GRANTED:
                self._door.pulse(told.pulse_seconds)
                self.opened_by = decision.person
        finally:  # a relay that fails crashes the agent, but not without a trace
            clock = clock_state(self._config.clock.synchronised_file)
            self._recorder.record("access", sighting.at, access_body(decision, model=self._model, clock=clock))
        self._told(decision)
