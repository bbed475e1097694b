"""What every loss is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

TEACHER = NDArray[np.float16] | NDArray[np.float32]


class Batch(NamedTuple):
    """What a loss is told about B pictures."""

    embeddings: Tensor  # (B, D) float, rows of unit length
    labels: Tensor  # (B,) int64, the person of each; -1 only where the loss takes everybody
    teacher: Tensor | None  # (B, T) float, unit rows of the reference encoders
    norms: Tensor | None  # (B,) float, the lengths that the rows had before they were made one


class Loss(nn.Module):
    """Says how wrong a batch of embeddings is, in `of`.

    A loss without anything to say (no two pictures of one person, no stranger, no row) is a zero that can still be
    differentiated, for every process of a distributed run has to go through the same backward pass.
    """

    everybody = False
    """Whether rows of whom nobody knows who they are (label -1) count as well."""

    def prepare(self, teacher: TEACHER, identity: NDArray[np.int64]) -> None:
        """Takes from the training data what has to be known before the first step; most losses need nothing.

        A checkpoint of a loss can only be loaded after this, which gives its buffers their sizes.

        Args:
            teacher: (N, T) unit rows of the reference encoders for the training pictures.
            identity: (N,) who they are, -1 where nobody knows.
        """

    def turn_to(self, student: Tensor, teacher: Tensor) -> None:
        """Moves what the loss wants to where a trained student already is; only those with a projection have to.

        Args:
            student: (N, D) rows of unit length.
            teacher: (N, T) rows of unit length for the same pictures.
        """

    def meet(self, students: Tensor, labels: Tensor) -> None:
        """Begins what is kept of each person where a trained student sees them; only losses with centres have to.

        Args:
            students: (N, D) rows of unit length.
            labels: (N,) int64, -1 where nobody knows.
        """

    def of(self, batch: Batch) -> Tensor:
        """Returns a scalar."""
        raise NotImplementedError

    def forward(
        self, embeddings: Tensor, labels: Tensor, teacher: Tensor | None = None, *, norms: Tensor | None = None
    ) -> Tensor:
        """Returns a scalar; what is given is described at `Batch`."""
        return self.of(Batch(embeddings, labels, teacher, norms))


def means(students: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Returns the mean direction of each person, (classes, D) rows of unit length, and who has one, (classes,) bool.

    Args:
        students: (N, D) float32 rows of unit length.
        labels: (N,) int64 below `classes`, -1 where nobody knows.
        classes: how many people there are.
    """
    named = labels >= 0
    sums = torch.zeros(classes, students.shape[1], device=students.device)
    sums.index_add_(0, labels[named], students[named])
    return F.normalize(sums), torch.bincount(labels[named], minlength=classes) > 0


def nothing(embeddings: Tensor) -> Tensor:
    """Returns a zero that hangs on the embeddings, so that it can be differentiated like any loss."""
    return embeddings.sum() * 0
