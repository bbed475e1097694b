"""One step of the detector's training: composed pictures in, the loss, and the weights moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.compose import Composer
from training.data.loader import Batch
from training.detector import STRIDES, Detector, grow
from training.detector_loss import Targets, loss, targets
from training.detector_preset import Phase
from training.errors import RunError
from training.loop import alone
from training.loop.learner import precision, to_input
from training.loop.run import OTHERWISE, read
from training.writing import briefly


class Learner(alone.Learner):
    """A detector that learns from batches as `draw` returns them."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Returns the loss of scores, boxes and landmarks."""
        pictures, *arrays = batch
        parts = [torch.from_numpy(array).to(self._device, non_blocking=True) for array in arrays]
        count = len(Targets._fields)
        goals = [Targets(*parts[start : start + count]) for start in range(0, len(parts), count)]
        with precision(self._device):
            maps = self.net(to_input(pictures, self._device))
        return loss(tuple(each.float() for each in maps), goals)


def draw(composer: Composer, phase: Phase, step: int) -> Batch:
    """Returns the batch of a step: (B, H, W, 3) uint8 pictures, then what the three grids should say, part by part."""
    composer.begin(step)
    drawn = [composer.draw(phase.width, phase.height) for _ in range(phase.batch)]
    labels = [each[1:] for each in drawn]
    goals = [targets(labels, stride, phase.height, phase.width) for stride in STRIDES]
    return np.stack([each.picture for each in drawn]), *(part.numpy() for goal in goals for part in goal)


def begin_with(net: Detector, path: Path) -> None:
    """Fills a net with the weights of a file, of a detector of its size or a smaller one.

    Raises:
        RunError: it holds no such weights.
    """
    try:
        grow(net, read(path))
    except OTHERWISE as error:
        raise RunError(f"{path}: not the weights of a detector: {briefly(error)}") from error
