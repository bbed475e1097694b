"""Muon: steps of momentum whose directions all count alike, for the matrices of a net.

Where a net underfits, what is left to learn lies in directions in which the gradient is small, and plain descent takes
them last. Muon makes the step of a matrix orthogonal: all its singular values are about one (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon/). PyTorch's own (`torch.optim.Muon`) takes nothing but matrices; here a
convolution counts as the matrix (outputs, inputs x height x width), and the length of a step is said as a share of the
length of the weights, which stays as it is: behind each of our convolutions stands a batch norm, and embeddings are
divided by their length, so that only the direction of weights is learnt (as in LARS, You et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from training.loop.world import World

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's: quick rather than exact, singular values end between 0.7 and 1.2
ROUNDS = 5
MOMENTUM = 0.95


def orthogonal(matrix: Tensor, *, fast: bool = False) -> Tensor:
    """Returns the nearest orthogonal matrix, about: the same singular vectors, singular values of 0.7 to 1.2.

    Args:
        matrix: (M, N).
        fast: multiply in bfloat16, which is enough.
    """
    a, b, c = QUINTIC
    x = matrix.bfloat16() if fast else matrix
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return (x.T if tall else x).to(matrix.dtype)


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
        super().__init__([group for group in together if group["params"]], lr=0.0, momentum=momentum, nesterov=True)
        self._matrices, self._turn, self._world, self._fast = list(matrices), turn, world, fast

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Moves everything; gradients of matrices are used up."""
        self._turn_all([p for p in self._matrices if p.grad is not None], self.param_groups[-1]["lr"] * self._turn)
        return super().step(closure)

    def _turn_all(self, matrices: list[Tensor], by: float) -> None:
        towards = [self._momentum(p) for p in matrices]
        share = range(self._world.rank, len(matrices), self._world.size)
        steps = torch.zeros(sum(p.numel() for p in matrices), device=self._world.device)
        parts = steps.split([p.numel() for p in matrices])
        for i in share:
            parts[i].copy_(orthogonal(towards[i].flatten(1), fast=self._fast).flatten())
        if self._world.size > 1:
            torch.distributed.all_reduce(steps)
        for p, part in zip(matrices, parts, strict=True):
            length = self.state[p].setdefault("length", p.norm())
            p.sub_(part.view_as(p), alpha=float(by * length / (part.norm() + 1e-7)))
            p.mul_(length / (p.norm() + 1e-7))
            p.grad = None  # SGD leaves it alone

    def _momentum(self, p: Tensor) -> Tensor:
        mean = self.state[p].setdefault("mean", torch.zeros_like(p))
        mean.lerp_(p.grad, 1 - MOMENTUM)
        return torch.lerp(p.grad, mean, MOMENTUM)
