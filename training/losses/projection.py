"""The teacher in as many dimensions as the student has."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.losses.loss import TEACHER
from training.measure import within

Kind = Literal["as-is", "leading", "whitened"]


class Projection(nn.Module):
    """Turns (B, T) teacher rows into (B, dimension) rows of unit length, by what `fit` found in the training data."""

    mean: Tensor  # (T,)
    matrix: Tensor  # (T, dimension)

    def __init__(self, kind: Kind, dimension: int, *, shrinkage: float = 0.5) -> None:
        super().__init__()
        self.kind, self.dimension, self.shrinkage = kind, dimension, shrinkage
        known = dimension if kind == "as-is" else 0  # else `fit` gives them their sizes
        self.register_buffer("mean", torch.zeros(known))
        self.register_buffer("matrix", torch.eye(known, dimension))

    def fit(self, teacher: TEACHER, identity: NDArray[np.int64]) -> None:
        """Finds the projection; `as-is` only looks whether the teacher has as many dimensions as are wanted.

        Args:
            teacher: (N, T) unit rows.
            identity: (N,) who they are, -1 where nobody knows.
        """
        size = teacher.shape[1]
        if self.kind == "as-is":
            self._check(size)
            return
        if size < self.dimension:
            raise ValueError(f"the teacher has {size} dimensions, fewer than the student's {self.dimension}")
        if self.kind == "leading":
            mean, matrix = np.zeros(size, np.float32), leading(teacher, self.dimension)
        else:
            mean, matrix = whitened(teacher, identity, self.dimension, shrinkage=self.shrinkage)
        device = self.matrix.device
        self.mean, self.matrix = torch.from_numpy(mean).to(device), torch.from_numpy(matrix).to(device)

    @torch.no_grad()
    def turn_to(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Turns what it makes of teachers to where a trained student already is, for a student to go on from.

        Distances between pictures stay what they are (a rotation, that of orthogonal Procrustes; Schoenemann 1966). A
        student that was taught with another projection would else have to learn all its directions anew.

        Args:
            student: (N, dimension) rows of unit length, N some thousands.
            teacher: (N, T) rows of unit length for the same pictures.

        Returns:
            (dimension, dimension), by which older results are turned as well: `rows @ turn`.
        """
        left, _, right = torch.linalg.svd(self(teacher).T @ student)
        turn: Tensor = left @ right
        self.matrix = self.matrix @ turn
        return turn

    def forward(self, teacher: Tensor) -> Tensor:
        self._check(teacher.shape[1])
        return F.normalize((teacher - self.mean) @ self.matrix)

    def _check(self, size: int) -> None:
        wanted = len(self.matrix)
        if not wanted:
            raise ValueError("the loss does not know the teacher yet: call prepare(teacher, identity) before training")
        if size != wanted:
            advice = ": target 'leading' or 'whitened' makes them fewer" if self.kind == "as-is" else ", as prepared"
            raise ValueError(f"the teacher has {size} dimensions; want {wanted}{advice}")


def leading(teacher: TEACHER, dimension: int) -> NDArray[np.float32]:
    """Returns the (T, dimension) projection that keeps most of the similarities of (N, T) rows.

    Their leading right singular vectors, without centring, since cosines are taken from the origin.
    """
    return _axes(_moment(teacher), dimension)


def whitened(
    teacher: TEACHER, identity: NDArray[np.int64], dimension: int, *, shrinkage: float = 0.5
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the (T,) mean and the (T, dimension) matrix of a teacher whose directions have been evened out.

    Distillation minds each direction as much as the teacher spreads faces along it, also those that tell nobody apart.

    Args:
        teacher: (N, T) unit rows.
        identity: (N,) who they are, -1 where nobody knows; if nobody has two pictures, everybody's spread is all.
        dimension: of the student.
        shrinkage: 0: all directions count alike, 1: as the teacher has them.
    """
    mean = _mean(teacher)
    _, again, count = np.unique(identity, return_inverse=True, return_counts=True)
    named = np.flatnonzero((identity >= 0) & (count[again] > 1))
    parts = [_moment(teacher, mean)]
    if len(named):
        parts.append(within(_around(teacher[named], mean), identity[named]))
    matrix = _even_out(parts, shrinkage)  # (T, T)
    spread = matrix @ parts[0] @ matrix  # the second moment of what it makes of the rows
    return mean, np.ascontiguousarray(matrix.astype(np.float32) @ _axes(spread, dimension))


def _even_out(covariances: list[NDArray[np.float64]], shrinkage: float) -> NDArray[np.float64]:
    """Returns the (T, T) inverse square root of the mean of covariances, each of mean variance 1, shrunk towards I."""
    size = len(covariances[0])
    values, axes = np.linalg.eigh(sum(part * size / np.trace(part) for part in covariances) / len(covariances))
    return np.asarray(axes * ((1 - shrinkage) * values.clip(0) + shrinkage) ** -0.5 @ axes.T)


def _axes(moment: NDArray[np.float64], dimension: int) -> NDArray[np.float32]:
    """Returns the (T, dimension) leading eigenvectors, each with its largest number positive: they may point anyhow."""
    axes = np.linalg.eigh(moment)[1][:, ::-1][:, :dimension]
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0))
    return np.ascontiguousarray(axes * signs, np.float32)


def _moment(rows: TEACHER, mean: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """Returns the (T, T) mean of outer products of rows, as they are or, with a mean, `_around` it."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), 4096):
        block = np.asarray(rows[start : start + 4096], np.float32)
        block = block if mean is None else _around(block, mean)
        total += block.T @ block
    return total / len(rows)


def _mean(rows: TEACHER) -> NDArray[np.float32]:
    blocks = (rows[start : start + 4096] for start in range(0, len(rows), 4096))
    return np.asarray(sum(np.asarray(block, np.float64).sum(0) for block in blocks) / len(rows), np.float32)


def _around(rows: TEACHER, mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns rows of unit length around the mean."""
    moved = np.asarray(rows, np.float32) - mean
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True).clip(1e-9), np.float32)
