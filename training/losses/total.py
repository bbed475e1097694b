"""The sum of what a preset asks for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from agent.errors import ConfigError
from training.losses.loss import TEACHER, Batch, Loss, nothing
from training.losses.table import make


class Total(nn.Module):
    """Several losses, each with its weight.

    Rows of whom nobody knows who they are (label -1) only count where a loss takes everybody, as distillation does.
    The centres of losses over people are parameters of this module: give them to the optimiser as well. Where several
    processes train, DistributedDataParallel sees to the net alone: average the gradients of these (`loop.learner`).
    """

    def __init__(self, preset: Mapping[str, Mapping[str, object]], *, classes: int, dimension: int) -> None:
        """Makes the losses.

        Args:
            preset: the tables [loss.NAME] of a preset: a weight each, and options as `make` takes them.
            classes: how many people are named; labels are below that.
            dimension: of the embeddings.

        Raises:
            ConfigError: no loss at all, or a name, weight or option that cannot be.
        """
        super().__init__()
        if not preset:
            raise ConfigError("nothing to train for: give at least one [loss.NAME], such as [loss.distillation]")
        self.classes = classes
        self.weights: dict[str, float] = {}
        self.losses = nn.ModuleDict()
        for name, table in preset.items():
            if not isinstance(table, Mapping):
                raise ConfigError(f"[loss.{name}] is a table, with a weight and options; it cannot be {table!r}")
            options = dict(table)
            self.weights[name] = _weight(name, options.pop("weight", 1.0))
            self.losses[name] = make(name, classes=classes, dimension=dimension, **options)

    def prepare(self, teacher: TEACHER, identity: NDArray[np.int64]) -> None:
        """Tells every loss about the training data, before the first step and before a checkpoint is loaded.

        Args:
            teacher: (N, T) unit rows of the reference encoders for the training pictures.
            identity: (N,) who they are, -1 where nobody knows.
        """
        for loss in self.losses.values():
            loss.prepare(teacher, identity)

    @torch.no_grad()
    def turn_to(self, outputs: Tensor, teacher: Tensor) -> None:
        """Turns every target to where a trained net already is: after `prepare`, to go on from weights alone.

        Without it a net that was taught elsewhere, or by another projection, has all its directions to learn anew. Not
        for a checkpoint of this module, which knows its targets.

        Args:
            outputs: (N, D) of the net for some thousands of training pictures.
            teacher: (N, T) unit rows of the reference encoders for them.
        """
        for loss in self.losses.values():
            loss.turn_to(F.normalize(outputs.float()), teacher.float())

    @torch.no_grad()
    def meet(self, outputs: Tensor, labels: Tensor) -> None:
        """Begins what losses keep of each person where a trained net sees them, and not anywhere.

        Args:
            outputs: (N, D) of the net for training pictures.
            labels: (N,) int64 below `classes`, -1 where nobody knows.
        """
        for loss in self.losses.values():
            loss.meet(F.normalize(outputs.float()), labels)

    def forward(self, outputs: Tensor, labels: Tensor, teacher: Tensor | None = None) -> dict[str, Tensor]:
        """Returns what each loss says, times its weight; their sum is to be minimised.

        Args:
            outputs: (B, D), as they come from the net: their lengths are made one here, and told to who asks.
            labels: (B,) int64 below `classes`, -1 where nobody knows.
            teacher: (B, T) unit rows of the reference encoders.
        """
        if len(labels) and int(labels.max()) >= self.classes:
            raise ValueError(
                f"a label is {int(labels.max())}, but {self.classes} people are named: 0 to {self.classes - 1}"
            )
        with torch.autocast(outputs.device.type, enabled=False):  # a cosine in bfloat16 has two digits
            everybody = Batch(
                F.normalize(outputs.float()),
                labels,
                None if teacher is None else teacher.float(),
                outputs.float().norm(dim=1),
            )
            return {name: self.weights[name] * _ask(loss, everybody) for name, loss in self.losses.items()}


def _ask(loss: Loss, batch: Batch) -> Tensor:
    if not loss.everybody:
        named = batch.labels >= 0
        batch = Batch(*(None if part is None else part[named] for part in batch))
    elif not len(batch.labels):
        return nothing(batch.embeddings)
    return loss.of(batch)


def _weight(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigError(f"[loss.{name}] weight = {value!r}: want a number above 0; leave the table out for none")
    return float(value)
