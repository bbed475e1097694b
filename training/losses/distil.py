"""Learning from reference encoders: what they say of a picture, how near they see others, whom they tell apart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.losses.distance import cosines
from training.losses.loss import TEACHER, Batch, Loss, nothing
from training.losses.projection import Projection

# On the validation split our two reference encoders, turned to 256 dimensions, say more of 93 % of the pairs of one
# person and of one pair of strangers in 2,600.
LOOK_ALIKE = 0.3


def distillation(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean of 1 - cosine between (B, D) student rows and the teacher's rows for the same pictures.

    Half the mean squared distance between them, for on rows of unit length |a - b|^2 = 2 - 2 cosine.
    """
    return (1 - (student * teacher).sum(1)).mean()


def relation(student: Tensor, teacher: Tensor) -> Tensor:
    """Returns the mean squared difference between the two (B, B) matrices of similarities, without the diagonal.

    What matters at a door is not where a face lies but how near others are (Park et al. 2019, relational distillation).
    The two may have different dimensions.
    """
    difference = cosines(student, student) - cosines(teacher, teacher)
    off = ~torch.eye(len(student), dtype=torch.bool, device=student.device)
    return difference[off].pow(2).mean()


def against_bank(
    student: Tensor, teacher: Tensor, bank: Tensor, *, temperature: float = 0.07, look_alike: float = LOOK_ALIKE
) -> Tensor:
    """Returns the mean of -log of the share that the teacher's row for the same picture has among a bank of others.

    A contrastive distillation (InfoNCE, as in Tian et al. 2020): a student row shall be nearer to what the teacher says
    of its picture than to what the teacher says of any other. Others that the teacher itself takes for much the same
    (the picture itself, the same person, a double) do not count.

    Args:
        student: (B, D) rows of unit length.
        teacher: (B, D) rows of unit length, for the same pictures.
        bank: (K, D) rows of unit length, the teacher's for any pictures.
        temperature: what cosines are divided by.
        look_alike: cosine to the teacher's row from which a row of the bank is left out.
    """
    own = (student * teacher).sum(1, keepdim=True)
    others = cosines(student, bank).masked_fill(cosines(teacher, bank) >= look_alike, -torch.inf)
    logits = torch.cat([own, others], 1) / temperature  # (B, 1 + K)
    return -logits.log_softmax(1)[:, 0].mean()


class Distillation(Loss):
    """`distillation` towards the teacher, turned into the student's dimensions."""

    everybody = True

    def __init__(self, projection: Projection) -> None:
        super().__init__()
        self.projection = projection

    def prepare(self, teacher: TEACHER, identity: NDArray[np.int64]) -> None:
        self.projection.fit(teacher, identity)

    def turn_to(self, student: Tensor, teacher: Tensor) -> None:
        self.projection.turn_to(student, teacher)

    def of(self, batch: Batch) -> Tensor:
        return distillation(batch.embeddings, self.projection(_of_teacher(batch)))


class Relation(Loss):
    """`relation` as a module."""

    everybody = True

    def of(self, batch: Batch) -> Tensor:
        teacher = _of_teacher(batch)
        return relation(batch.embeddings, teacher) if len(teacher) > 1 else nothing(batch.embeddings)


class BankDistillation(Loss):
    """`against_bank`, the bank drawn from the training data by `prepare`: every call draws another."""

    everybody = True
    bank: Tensor  # (K, D) rows of unit length

    def __init__(
        self, projection: Projection, *, rows: int = 4096, temperature: float = 0.07, look_alike: float = LOOK_ALIKE
    ) -> None:
        super().__init__()
        self.projection, self.rows, self.temperature, self.look_alike = projection, rows, temperature, look_alike
        self.random = np.random.default_rng(0)
        self.register_buffer("bank", torch.empty(0, projection.dimension))

    def prepare(self, teacher: TEACHER, identity: NDArray[np.int64]) -> None:
        if not len(self.bank):
            self.projection.fit(teacher, identity)
        drawn = np.sort(self.random.choice(len(teacher), min(self.rows, len(teacher)), replace=False))
        rows = torch.from_numpy(np.asarray(teacher[drawn], np.float32)).to(self.bank.device)
        self.bank = self.projection(rows)

    def turn_to(self, student: Tensor, teacher: Tensor) -> None:
        self.bank = self.bank @ self.projection.turn_to(student, teacher)

    def of(self, batch: Batch) -> Tensor:
        target = self.projection(_of_teacher(batch))
        if not len(self.bank):
            raise ValueError("the bank is empty: call prepare(teacher, identity) before training")
        options = {"temperature": self.temperature, "look_alike": self.look_alike}
        return against_bank(batch.embeddings, target, self.bank, **options)


def _of_teacher(batch: Batch) -> Tensor:
    if batch.teacher is None:
        raise ValueError("this loss learns from reference embeddings, and there are none")
    return batch.teacher
