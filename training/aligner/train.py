"""Trains the aligner on misplaced crops as its preset says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.errors import ConfigError
from agent.vision.aligner import apart
from training.aligner.misplaced import MOVING, Misplacer, left, spread
from training.aligner.net import SIDE, Aligner, distance
from training.aligner.preset import AlignerPreset
from training.data.augment import NOTHING
from training.data.collection import Collection, load
from training.data.leaks import without_leaks
from training.data.loader import Batch
from training.data.splits import ensure_split
from training.loop import alone, origin
from training.loop.learner import precision, to_input
from training.loop.run import Run, load_weights
from training.loop.world import World, joined
from training.sources import augmentation

FIGURES = ("misplacement_px", "unsteady_px")
"""What the curves show of validation."""
LOOKED_AT = 2000
"""Crops of the validation at most."""


def train(
    preset: AlignerPreset,
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
        work: what `prepare` filled, or archives of `pack`.
        folder: of the run.
        start: weights to begin with.
        device: auto, cpu or cuda.
        workers: processes that make batches.

    Raises:
        ConfigError: [augment] has a key that does not exist.
        DataError: pictures are missing, or are no aligned faces.
        RunError: the folder holds another training, or one on other pictures, or there is no such device.
    """
    with joined(device) as world:
        alone.refuse_several(world, "the aligner")
        faces = aligned_faces(work)
        run = alone.opened(Run(folder, "aligner"), preset)
        origin.keep(run, faces, work, (), rows=len(faces))
        trainer(preset, faces, run, world, start=start, workers=workers).go()


def aligned_faces(work: Path) -> Collection:
    """Returns the faces with their split, less what is in training and in validation.

    Raises:
        DataError: there are none, or so few of known people that nobody can be validated on.
    """
    clean, _ = without_leaks(ensure_split(load(work)))
    return clean


def trainer(
    preset: AlignerPreset,
    faces: Collection,
    run: Run,
    world: World,
    *,
    start: Path | None = None,
    workers: int = 1,
) -> alone.Trainer:
    """Returns a run of an aligner, see `alone.Trainer`; not begun yet.

    Raises:
        ConfigError: [augment] has a key that does not exist.
        RunError: the weights are no aligner's, or the state of the run is damaged.
    """
    torch.manual_seed(preset.seed)
    learner = Learner(Aligner(), preset.optimiser, world)
    misplacer = misplacer_of(preset, faces.samples)
    looked_at = Validation(preset, faces)

    def begin(weights: Path) -> int:
        load_weights(learner.net, weights)
        return 0

    return alone.Trainer(
        preset,
        run,
        learner,
        draw=lambda number: partial(drawn, misplacer, faces.train, preset.phase[number].batch, preset.seed),
        look=lambda net: looked_at.figures(partial(said_by, net)),
        figures=FIGURES,
        begin=begin,
        start=start,
        workers=workers,
    )


def misplacer_of(preset: AlignerPreset, crops: Sequence[NDArray[Any]]) -> Misplacer:
    """Returns what makes training pictures of crops.

    Raises:
        ConfigError: [augment] has a key that does not exist, or moves crops: that is what [misplaced] is for.
    """
    if moving := sorted(MOVING & set(preset.augment)):
        raise ConfigError(f"[augment] {', '.join(moving)}: how far crops are moved, [misplaced] says")
    return Misplacer(crops, SIDE, spread(**preset.misplaced.model_dump()), augmentation(preset))


def drawn(misplacer: Misplacer, rows: NDArray[np.int64], batch: int, seed: int, step: int) -> Batch:
    """Returns the batch of a step: (B, S, S, 3) uint8 pictures and (B, 4) what is true of each."""
    random = np.random.default_rng((seed, step))
    pairs = [misplacer.draw(int(row), random) for row in random.choice(rows, batch)]
    return np.stack([picture for picture, _ in pairs]), np.stack([numbers for _, numbers in pairs])


class Learner(alone.Learner):
    """An aligner that learns from batches as `drawn` returns them."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Returns how far the points are off in the mean, pixels of the crop."""
        pictures, true = batch
        with precision(self._device):
            said = self.net(to_input(pictures, self._device))
        return {"distance": distance(said.float(), torch.from_numpy(true).to(self._device)).mean()}


class Validation:
    """Crops of people whom training has not seen, misplaced in two ways each, and as they are otherwise."""

    def __init__(self, preset: AlignerPreset, faces: Collection) -> None:
        plain = Misplacer(faces.samples, SIDE, spread(**preset.misplaced.model_dump()), NOTHING)
        random = np.random.default_rng(0)
        rows = faces.val[:: max(1, -(-len(faces.val) // LOOKED_AT))]
        self._ways = [[plain.draw(int(row), random) for row in rows] for _ in range(2)]

    def figures(self, says: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> dict[str, float]:
        """Returns medians after one look, pixels of the crop.

        `misplacement_px`: how far crops are from where the annotation has them, which is itself not where they would be
        of another picture. `unsteady_px`: how far they are from where they come to from the other misplacement.

        Args:
            says: what an aligner says of (N, S, S, 3) pictures, (N, 4).
        """
        after = []
        for way in self._ways:
            said = says(np.stack([picture for picture, _ in way]))
            after.append([left(one, true) for one, (_, true) in zip(said, way, strict=True)])
        off = [apart(matrix, np.eye(3)) for matrix in after[0]]
        unsteady = [apart(one, other) for one, other in zip(*after, strict=True)]
        return {"misplacement_px": round(float(np.median(off)), 3), "unsteady_px": round(float(np.median(unsteady)), 3)}


@torch.inference_mode()
def said_by(net: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns what a net says of (N, S, S, 3) pictures, (N, 4)."""
    device, starts = next(net.parameters()).device, range(0, len(pictures), 256)
    said = [net(to_input(pictures[start : start + 256], device)).float().cpu().numpy() for start in starts]
    return np.concatenate(said)
