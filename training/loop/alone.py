"""The loop of nets that one process trains, the detector and the aligner: phase after phase, validated, resumable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from training.data.loader import Batch, Loader
from training.errors import RunError
from training.loop import curves, optimisers
from training.loop.average import Average
from training.loop.pace import Means, Meter, schedule, told
from training.loop.progress import Progress
from training.loop.run import OTHERWISE, PRESET, Run, read, refuse_diverged, save
from training.loop.world import World
from training.preset import Optimiser
from training.tables import Table
from training.writing import briefly, write_whole


class Phase(Protocol):
    """A stretch of training with one curve of the learning rate."""

    @property
    def samples(self) -> int:
        """Seen in it."""
        ...

    @property
    def batch(self) -> int:
        """Samples of a step."""
        ...

    @property
    def peak_rate(self) -> float:
        """The highest rate, soon after its beginning."""
        ...

    @property
    def last_rate(self) -> float:
        """The rate at its end."""
        ...


class Preset(Protocol):
    """What is asked of a preset."""

    @property
    def phase(self) -> Sequence[Phase]:
        """Stretch by stretch."""
        ...

    @property
    def optimiser(self) -> Optimiser:
        """How gradients become steps."""
        ...

    @property
    def look(self) -> int:
        """Samples until validation is looked at and everything is saved."""
        ...


class Learner(ABC):
    """A net and its optimiser.

    Args:
        net: what is trained.
        options: how.
        world: what is computed on.
    """

    def __init__(self, net: nn.Module, options: Optimiser, world: World) -> None:
        self.net = net.to(world.device, memory_format=torch.channels_last).train()
        self.optimiser = optimisers.make(net, nn.ModuleList(), options, world)
        self._clip, self._device = options.clip, world.device

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Returns the parts of the loss of a batch, which are added up."""

    def learn(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        """Takes one step at a learning rate; returns the parts of the loss, not yet read back from the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        parts = self.losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        if self._clip:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self._clip)
        self.optimiser.step()
        return {name: value.detach() for name, value in parts.items()}


PresetT = TypeVar("PresetT", bound=Table)


def opened(run: Run, preset: PresetT) -> Run:
    """Returns a run whose folder is made, or found made for the same preset; what becomes of the weights may differ.

    Raises:
        RunError: it was made for another preset, or cannot be written.
    """
    file = run.folder / PRESET
    afterwards = {key: getattr(preset, key) for key in ("name", "export")}
    try:
        same = not run.state.exists() or (
            type(preset).model_validate_json(file.read_text(encoding="utf-8")).model_copy(update=afterwards) == preset
        )
    except (OSError, ValueError):
        same = False
    if not same:
        raise RunError(
            f"{run.folder} holds a training by another preset, or by one that was changed since (see {PRESET} there): "
            "name another folder with --run, or move this one away"
        )
    write_whole(file, preset.model_dump_json(indent=1))
    return run


def refuse_several(world: World, what: str) -> None:
    """Raises RunError where more than one process trains."""
    if world.size > 1:
        raise RunError(f"{what} is trained by one process, not {world.size}: start it without torchrun")


class Trainer:
    """A run: the net, its average, its optimiser, and how far they are.

    Args:
        preset: how to train.
        run: where weights, state, log and curves go.
        learner: what learns.
        draw: what makes the batch of a step, for a phase by its number.
        look: the figures of the validation, of the averaged net.
        figures: which of them the curves show.
        start: weights to begin with.
        begin: fills the learner's net with these, and returns the number of the phase to begin with.
        workers: processes that make batches.

    Raises:
        RunError: the weights are another net's, or the state of the run is damaged.
    """

    def __init__(
        self,
        preset: Preset,
        run: Run,
        learner: Learner,
        *,
        draw: Callable[[int], Callable[[int], Batch]],
        look: Callable[[nn.Module], dict[str, float]],
        figures: Sequence[str],
        begin: Callable[[Path], int],
        start: Path | None = None,
        workers: int = 1,
    ) -> None:
        self.preset, self.run, self.learner = preset, run, learner
        self._draw, self._figures_of, self._figures, self._workers = draw, look, figures, workers
        self.phase, self.seen, self.step = 0, 0, 0  # `seen` in this phase
        if run.state.exists():
            run.go_on(start)
        else:
            if start is not None:
                self.phase = begin(start)
            run.begin(start)
        self.average = Average(learner.net, preset.optimiser.average)
        if run.state.exists():
            self._resume()

    def go(self) -> None:
        """Runs until every phase has seen its samples; at once done if they have."""
        with Progress(sum(phase.samples for phase in self.preset.phase), shown=True) as bar:
            for number in range(self.phase, len(self.preset.phase)):
                if number > self.phase:
                    self.phase, self.seen = number, 0
                phase = self.preset.phase[number]
                if self.seen < phase.samples:
                    with Loader(self._draw(number), workers=self._workers, first=self.step) as loader:
                        self._phase(phase, loader, bar)

    def _phase(self, phase: Phase, loader: Loader, bar: Progress) -> None:
        meter, losses, looked = Meter(), Means(), self.seen
        while self.seen < phase.samples:
            rate = schedule(self.seen / phase.samples, phase.peak_rate, phase.last_rate)
            with meter.measuring("wait"):
                batch = next(loader)
            with meter.measuring("step"):
                losses.add(self.learner.learn(batch, rate))
                self.average.update(self.learner.net)
            self.seen += phase.batch
            self.step += 1
            meter.count(phase.batch)
            bar.at(self._through())
            if self.seen - looked >= self.preset.look or self.seen >= phase.samples:
                looked = self.seen
                pace = meter.read() | {"loader": round(loader.speed().loader, 1)}
                self._look(rate, losses.read(), pace, bar)

    def _through(self) -> int:
        """Returns how many samples were seen in all; phases that were left out count."""
        return sum(phase.samples for phase in self.preset.phase[: self.phase]) + self.seen

    def _look(self, rate: float, losses: dict[str, float], pace: dict[str, float], bar: Progress) -> None:
        """Saves everything, writes a line of the log, draws the curves."""
        refuse_diverged(self.run, losses, self.average.net, self.learner.net)
        figures = self._figures_of(self.average.net)
        save(self.average.net.state_dict(), self.run.weights)
        save(self._state(), self.run.state)
        line = {"phase": self.phase + 1, "seen": self._through(), "rate": rate, "loss": losses}
        self.run.write({**line, "val": figures, "pace": pace})
        bar.say({**figures, **losses, **told(pace)})
        curves.draw(self.run.lines(), self.run.curves, self._figures)

    def _state(self) -> dict[str, object]:
        return {
            "net": self.learner.net.state_dict(),
            "optimiser": self.learner.optimiser.state_dict(),
            "average": self.average.net.state_dict(),
            "averaged": self.average.steps,
            "phase": self.phase,
            "seen": self.seen,
            "step": self.step,
        }

    def _resume(self) -> None:
        try:
            state = read(self.run.state)
            self.learner.net.load_state_dict(state["net"])
            self.learner.optimiser.load_state_dict(state["optimiser"])
            self.average.net.load_state_dict(state["average"])
            self.average.steps = state["averaged"]
            self.phase, self.seen, self.step = state["phase"], state["seen"], state["step"]
        except OTHERWISE as error:
            said = f"{self.run.state} cannot be gone on from: {briefly(error)}; move it away to begin anew"
            raise RunError(said) from error
