"""Trains the detector on composed pictures as its preset says."""

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
from training.detector import Detector
from training.detector_learner import Learner, begin_with, draw
from training.detector_preset import DetectorPreset
from training.evaluation.detection import measure_detector
from training.loop import alone
from training.loop.run import Run
from training.loop.world import World, joined
from training.scenes import Crops, Scene, load_backgrounds, load_shown

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
        alone.refuse_several(world, "the detector")
        scenes = data / "scenes"
        shown = load_shown(scenes, work)
        composer = Composer(shown.scenes, load_backgrounds(scenes), seed=preset.seed, crops=Crops(shown.faces))
        run = opened(folder, preset)
        detector_origin.keep(run, data, work, shown.faces)
        Trainer(preset, composer, shown.unseen, run, world, start=start, workers=workers).go()


def opened(folder: Path, preset: DetectorPreset) -> Run:
    """Returns the run of a folder, see `alone.opened`."""
    return alone.opened(Run(folder, "detector"), preset)


class Trainer(alone.Trainer):
    """A detector's run.

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
        torch.manual_seed(preset.seed)
        learner = Learner(Detector(), preset.optimiser, world)

        def begin(weights: Path) -> int:
            begin_with(learner.net, weights)
            return preset.begun

        super().__init__(
            preset,
            run,
            learner,
            draw=lambda number: partial(draw, composer, preset.phase[number]),
            look=lambda net: measure_detector(unseen, Detect(FloatModel(net))).figures(),
            figures=FIGURES,
            begin=begin,
            start=start,
            workers=workers,
        )


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
