"""Trains the detector on composed pictures as its preset says: phase after phase, validated on the way, resumable."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agent.vision.detect import Detector as Detect
from agent.vision.model import TensorSpec
from training import detector_origin
from training.compose import Composer
from training.data.loader import Loader
from training.detector import Detector
from training.detector_learner import Learner, begin_with, draw
from training.detector_preset import DetectorPreset, Phase
from training.errors import RunError
from training.evaluation.detection import measure_detector
from training.loop import curves
from training.loop.average import Average
from training.loop.pace import Means, Meter, schedule, told
from training.loop.progress import Progress
from training.loop.run import OTHERWISE, PRESET, Run, read, refuse_diverged, save
from training.loop.world import World, joined
from training.scenes import Crops, Scene, load_backgrounds, load_shown
from training.writing import briefly, write_whole

FIGURES = ("recall@0.5", "false_per_picture", "landmark_error")
"""What the curves show of validation."""


def train(
    preset: DetectorPreset,
    data: Path,
    work: Path,
    folder: Path,
    *,
    start: Path | None = None,
    device: str = "auto",
    workers: int = 1,
) -> None:
    """Trains until every phase of the preset is through; goes on where the folder's state says.

    Args:
        preset: how.
        data: the folder with scenes/.
        work: what `prepare` filled: its faces are pasted as well.
        folder: of the run.
        start: weights to begin with.
        device: auto, cpu or cuda.
        workers: processes that compose pictures.

    Raises:
        DataError: pictures are missing.
        RunError: the folder holds another training, or one on other pictures, or there is no such device.
    """
    with joined(device) as world:
        if world.size > 1:
            raise RunError(f"the detector is trained by one process, not {world.size}: start it without torchrun")
        scenes = data / "scenes"
        shown = load_shown(scenes, work)
        composer = Composer(shown.scenes, load_backgrounds(scenes), seed=preset.seed, crops=Crops(shown.faces))
        run = opened(folder, preset)
        detector_origin.keep(run, data, work, shown.faces)
        Trainer(preset, composer, shown.unseen, run, world, start=start, workers=workers).go()


def opened(folder: Path, preset: DetectorPreset) -> Run:
    """Returns the run of a folder, made or found made for the same preset; what becomes of the weights may differ.

    Raises:
        RunError: it was made for another preset.
    """
    run, file = Run(folder, "detector"), folder / PRESET
    afterwards = {"name": preset.name, "export": preset.export}
    try:
        same = not run.state.exists() or (
            DetectorPreset.model_validate_json(file.read_text(encoding="utf-8")).model_copy(update=afterwards) == preset
        )
    except (OSError, ValueError):
        same = False
    if not same:
        raise RunError(
            f"{folder} holds a training by another preset, or by one that was changed since (see {PRESET} there): "
            "name another folder with --run, or move this one away"
        )
    write_whole(file, preset.model_dump_json(indent=1))
    return run


class Trainer:
    """A run: the net, its average, its optimiser, and how far they are.

    Args:
        preset: how to train.
        composer: of what; its seed is the preset's.
        unseen: the validation scenes.
        run: where weights, state, log and curves go.
        world: what is computed on.
        start: weights to begin with, of a net of this size or a smaller one; phases from nothing are left out.
        workers: processes that compose pictures.

    Raises:
        RunError: the weights are no detector's, or the state of the run is damaged.
    """

    def __init__(
        self,
        preset: DetectorPreset,
        composer: Composer,
        unseen: Sequence[Scene],
        run: Run,
        world: World,
        *,
        start: Path | None = None,
        workers: int = 1,
    ) -> None:
        self.preset, self.run, self._world, self._workers = preset, run, world, workers
        self._composer, self._unseen = composer, unseen
        self.phase, self.seen, self.step = 0, 0, 0  # `seen` in this phase
        torch.manual_seed(preset.seed)
        net = Detector()
        if run.state.exists():
            run.go_on(start)
        else:
            if start is not None:
                begin_with(net, start)
                self.phase = preset.begun
            run.begin(start)
        self.learner = Learner(net, preset, world)
        self.average = Average(self.learner.net, preset.optimiser.average)
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
                    with Loader(partial(draw, self._composer, phase), workers=self._workers, first=self.step) as loader:
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
        """Returns how many pictures were seen in all; phases that were left out count."""
        return sum(phase.samples for phase in self.preset.phase[: self.phase]) + self.seen

    def _look(self, rate: float, losses: dict[str, float], pace: dict[str, float], bar: Progress) -> None:
        """Saves everything, writes a line of the log, draws the curves."""
        refuse_diverged(self.run, losses, self.average.net, self.learner.net)
        figures = measure_detector(self._unseen, Detect(FloatModel(self.average.net))).figures()
        save(self.average.net.state_dict(), self.run.weights)
        save(self._state(), self.run.state)
        line = {"phase": self.phase + 1, "seen": self._through(), "rate": rate, "loss": losses}
        self.run.write({**line, "val": figures, "pace": pace})
        bar.say({**figures, **losses, **told(pace)})
        curves.draw(self.run.lines(), self.run.curves, FIGURES)

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


class FloatModel:
    """The net as the agent's detector takes it (`agent.vision.model.Model`), in float, to look at it on the way."""

    SIZE = (1, 240, 320, 3)

    def __init__(self, net: nn.Module) -> None:
        self._net, self._device = net.eval(), next(net.parameters()).device
        self.inputs = (_spec(self.SIZE),)
        self.outputs = tuple(_spec(output.shape) for output in self(np.zeros(self.SIZE, np.float32)))

    def __call__(self, *arrays: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Returns the nine maps, (1, H, W, C) float32."""
        with torch.inference_mode():
            maps = self._net(torch.from_numpy(arrays[0]).permute(0, 3, 1, 2).to(self._device))
        return [m.permute(0, 2, 3, 1).contiguous().cpu().numpy() for m in maps]


def _spec(shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec("", tuple(shape), np.dtype(np.float32), 0.0, 0)
