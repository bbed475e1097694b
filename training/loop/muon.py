"""Muon: steps of momentum whose directions all count alike, for the matrices of a net.

Where a net underfits, what is left to learn lies in directions in which the gradient is small, and plain descent takes
them last. Muon makes the step of a matrix orthogonal: all its singular values are about one (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon/). PyTorch's own (`torch.optim.Muon`) takes nothing but matrices; here a
convolution counts as the matrix (outputs, inputs x height x width), and the length of a step is said as a share of the
length of the weights, which stays as it is: behind each of our convolutions stands a batch norm, and embeddings are
divided by their length, so that only the direction of weights is learnt (as in LARS, You et al. 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from training.loop.world import World

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's: quick rather than exact, singular values end between 0.7 and 1.2
ROUNDS = 5
MOMENTUM = 0.95
LEAST = 1e-7  # no length is divided by less


def orthogonal(matrix: Tensor, *, fast: bool = False) -> Tensor:
    """Returns the nearest orthogonal matrix, about: the same singular vectors, singular values of 0.7 to 1.2.

    Args:
        matrix: (M, N) floating, or several as (K, M, N); what comes out has its type.
        fast: multiply in bfloat16, which is enough.
    """
    a, b, c = QUINTIC
    x = matrix.bfloat16() if fast else matrix
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + LEAST)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    return (x.mT if tall else x).to(matrix.dtype)


class Muon(torch.optim.SGD):
    """Muon for matrices, and descent with momentum for everything else.

    Args:
        groups: the rest, as for SGD.
        matrices: (M, N) or (M, C, H, W), each before a norm.
        momentum: of the rest; that of matrices is 0.95.
        turn: how far a matrix goes in a step at a rate of 1, as a share of its length.
        world: the processes that share the work: each makes the steps of some matrices.
        fast: whether products are taken in bfloat16.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        matrices: Sequence[Tensor],
        *,
        momentum: float,
        turn: float,
        world: World,
        fast: bool,
    ) -> None:
        together = [*groups, {"params": list(matrices), "weight_decay": 0.0}]
        used = [group for group in together if group["params"]]
        super().__init__(used, lr=0.0, momentum=momentum, nesterov=momentum > 0)
        self._matrices, self._turn, self._world, self._fast = list(matrices), turn, world, fast

    @torch.no_grad()
    def step(self) -> None:
        """Moves everything; gradients of matrices are used up."""
        self._turn_all([p for p in self._matrices if p.grad is not None], self.param_groups[-1]["lr"] * self._turn)
        super().step()

    def _turn_all(self, matrices: list[Tensor], by: float) -> None:
        if not matrices:
            return
        sizes = [p.numel() for p in matrices]
        steps = torch.zeros(sum(sizes), device=self._world.device)
        parts, means = list(steps.split(sizes)), self._means(matrices)
        for same in self._mine(matrices):
            towards = [torch.lerp(matrices[i].grad, means[i], MOMENTUM).flatten(1) for i in same]
            for i, turned in zip(same, orthogonal(torch.stack(towards), fast=self._fast), strict=True):
                parts[i].copy_(turned.flatten())
        if self._world.size > 1:
            torch.distributed.all_reduce(steps)
        self._move(matrices, [part.view_as(p) for p, part in zip(matrices, parts, strict=True)], by)

    def _mine(self, matrices: list[Tensor]) -> Iterable[list[int]]:
        """Returns which matrices' steps are made here, those of one shape together; the others make the others'."""
        groups: dict[torch.Size, list[int]] = {}
        for i in range(self._world.rank, len(matrices), self._world.size):
            groups.setdefault(matrices[i].flatten(1).shape, []).append(i)
        return groups.values()

    def _means(self, matrices: list[Tensor]) -> list[Tensor]:
        """Returns the mean gradient of each matrix, whose length is remembered the first time."""
        for p in matrices:
            state = self.state[p]
            if "mean" not in state:
                state["mean"], length = torch.zeros_like(p), p.norm()
                # all of it dead, and revived without a weight: as long as an orthogonal one
                state["length"] = torch.where(length > LEAST, length, min(p.flatten(1).shape) ** 0.5)
        means = [self.state[p]["mean"] for p in matrices]
        torch._foreach_lerp_(means, [p.grad for p in matrices], 1 - MOMENTUM)
        return means

    def _move(self, matrices: list[Tensor], steps: list[Tensor], by: float) -> None:
        """Moves each matrix by its share of its length, and makes it as long as it was; uses up the gradients."""
        lengths = [self.state[p]["length"] for p in matrices]
        torch._foreach_mul_(steps, [by * a / (b.norm() + LEAST) for a, b in zip(lengths, steps, strict=True)])
        torch._foreach_sub_(matrices, steps)
        torch._foreach_mul_(matrices, [a / (p.norm() + LEAST) for a, p in zip(lengths, matrices, strict=True)])
        for p in matrices:
            p.grad = None  # descent leaves it alone
