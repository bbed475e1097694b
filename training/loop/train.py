"""Trains an encoder as a preset says: phase after phase, validated on the way, resumable at any time.

Small pictures first: a step at 48 pixels costs half of one at 64, and most is learnt there.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch

from training.errors import RunError
from training.loop.average import Average
from training.loop.curves import draw
from training.loop.learner import Learner
from training.loop.pace import Means, Meter, schedule, told
from training.loop.progress import Progress
from training.loop.run import OTHERWISE, Run, load_weights, read, refuse_diverged, save
from training.loop.world import World
from training.preset import Phase, Preset
from training.tasks import Task
from training.writing import briefly


def refuse_uneven(preset: Preset, world: World) -> None:
    """Raises RunError where processes cannot share a batch evenly."""
    if preset.batch.size % world.size or preset.batch.people % world.size:
        raise RunError(
            f"{world.size} processes cannot share a batch of {preset.batch.size} with {preset.batch.people} people "
            "evenly: choose another number of processes, or change [batch]"
        )


class Trainer:
    """One process's part of a run. The first one keeps the averaged weights, the log and the bar."""

    def __init__(self, preset: Preset, task: Task, run: Run, world: World, *, start: Path | None = None) -> None:
        self.preset, self.task, self.run, self.world = preset, task, run, world
        torch.manual_seed(preset.seed)
        self.learner = Learner(task.module(), task.losses(), preset, world, task.ask)
        self.average = Average(self.learner.net, preset.optimiser.average)
        self.phase, self.seen, self.step = 0, 0, 0  # `seen` in this phase
        self._take(world.from_leader(lambda: self._beginning(start)))

    def go(self) -> None:
        """Runs until every phase has seen its samples; at once done if they have."""
        total = sum(phase.samples for phase in self.preset.phase)
        with Progress(total, shown=self.world.leads) as bar:
            for number in range(self.phase, len(self.preset.phase)):
                if number > self.phase:
                    self.phase, self.seen = number, 0
                self._phase(self.preset.phase[number], bar)

    def _phase(self, phase: Phase, bar: Progress) -> None:
        if self.seen >= phase.samples:
            return
        before = sum(p.samples for p in self.preset.phase[: self.phase])
        draw, meter, losses = self.task.draw(phase, self.step), Meter(), Means()
        looked = self.seen
        while self.seen < phase.samples:
            rate = schedule(self.seen / phase.samples, phase.peak_rate, phase.last_rate)
            with meter.measuring("wait"):
                batch = draw()
            with meter.measuring("step"):
                losses.add(self.learner.step(batch, rate))
                if self.world.leads:
                    self.average.update(self.learner.net)
            self.seen += self.preset.batch.size
            self.step += 1
            meter.count(self.preset.batch.size)
            bar.at(before + self.seen)
            if self.seen - looked >= self.preset.look or self.seen >= phase.samples:
                looked = self.seen
                self._look(phase, rate, losses.read(), meter.read(), bar)

    def _look(self, phase: Phase, rate: float, losses: dict[str, float], pace: dict[str, float], bar: Progress) -> None:
        """Saves everything, writes a line of the log, draws the curves.

        Every process takes on what is saved, as after a break: so a run that is gone on with is as one without breaks.
        """
        state = self.world.from_leader(lambda: self._saved(phase, losses))
        if not self.world.leads:
            self._take(state)
        self.learner.regroup()
        self.world.from_leader(lambda: self._tell(phase, rate, losses, pace, bar))

    def _tell(self, phase: Phase, rate: float, losses: dict[str, float], pace: dict[str, float], bar: Progress) -> None:
        figures = dict(self.task.look(self.average.net, phase))
        before = sum(p.samples for p in self.preset.phase[: self.phase])
        pace["loader"] = self.task.loader_speed() * self.world.size
        line = {"phase": self.phase + 1, "seen": before + self.seen, "rate": rate, "loss": losses}
        self.run.write({**line, "val": figures, "pace": pace})
        bar.say({**figures, **losses, **told(pace)})
        draw(self.run.lines(), self.run.curves)

    def _saved(self, phase: Phase, losses: dict[str, float]) -> bytes:
        refuse_diverged(self.run, losses, self.average.net, self.learner.module, self.learner.losses)
        self.task.refresh(self.learner.net, phase, self.step)
        save(self.average.net.state_dict(), self.run.weights)
        save(self._state(), self.run.state)
        return self.run.state.read_bytes()

    def _state(self) -> dict[str, object]:
        return {
            "net": self.learner.module.state_dict(),
            "losses": self.learner.losses.state_dict(),
            "optimiser": self.learner.optimiser.state_dict(),
            "average": self.average.net.state_dict(),
            "averaged": self.average.steps,
            "phase": self.phase,
            "seen": self.seen,
            "step": self.step,
            **self.task.state(),
        }

    def _beginning(self, start: Path | None) -> bytes:
        """Returns the state to begin with: the run's, or else that of weights to go on from, or what the seed gives."""
        if self.run.state.exists():
            self.run.go_on(start)
            try:
                return self.run.state.read_bytes()
            except OSError as error:
                raise RunError(f"{self.run.state} cannot be read: {error}") from error
        if start is not None:
            load_weights(self.learner.net, start)
        self.run.begin(start)
        if start is not None:
            self.task.revive(self.learner.net)
            self.task.turn(self.learner.losses, self.learner.net)
            self.average.net.load_state_dict(self.learner.net.state_dict())
        first = io.BytesIO()
        torch.save(self._state(), first)
        return first.getvalue()

    def _take(self, saved: bytes) -> None:
        """Goes on from what `_state` said."""
        try:
            state = read(io.BytesIO(saved))
            self.learner.module.load_state_dict(state["net"])
            self.learner.losses.load_state_dict(state["losses"])
            self.learner.optimiser.load_state_dict(state["optimiser"])
            self.average.net.load_state_dict(state["average"])
            self.average.steps = state["averaged"]
            self.phase, self.seen, self.step = state["phase"], state["seen"], state["step"]
            self.task.go_on(state)
        except OTHERWISE as error:
            said = f"{self.run.state} cannot be gone on from: {briefly(error)}; move it away to begin anew"
            raise RunError(said) from error
