"""The average of a net's weights over the last steps: what is kept of a training (Polyak averaging)."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """An exponential moving average; young ones forget faster."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Moves the average towards `net`."""
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        pairs = list(zip(self.net.state_dict().values(), net.state_dict().values(), strict=True))
        floats = [(mine, theirs) for mine, theirs in pairs if mine.dtype.is_floating_point]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - keep)
        for mine, theirs in pairs:
            if not mine.dtype.is_floating_point:
                mine.copy_(theirs)
