"""The aligner's net, and what it loses."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from agent.vision.align import TEMPLATE
from agent.vision.aligner import MIDDLE, UNITS
from training.nets.layers import Block, conv

SIDE = 64
"""Of the pictures that it takes, pixels. 80, as large as the window is, was no better: research/aligner.md."""
SOFTENED = 0.05
"""Square pixels that are added below the root: within a fifth of a pixel the loss is a square and no cusp."""


class Aligner(nn.Module):
    """(B, 3, 64, 64) float32 in -1..1 -> (B, 4): two shifts, the scale's logarithm and the angle, in `UNITS`.

    The last map is read as a whole, place by place: a mean over it would not know where things are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, stride=2),
            Block(16, 24, 3, 2, fused=False),
            *(Block(24, 24, 2, 1, fused=False) for _ in range(2)),
            Block(24, 48, 3, 2, fused=False),
            *(Block(48, 48, 2, 1, fused=False) for _ in range(3)),
            Block(48, 80, 3, 2, fused=False),
            *(Block(80, 80, 2, 1, fused=False) for _ in range(2)),
        )
        self.whole = nn.Sequential(nn.Conv2d(80, 96, SIDE // 16, bias=False), nn.BatchNorm2d(96), nn.ReLU6())
        self.numbers = nn.Conv2d(96, len(UNITS), 1)

    def forward(self, x: Tensor) -> Tensor:
        last = self.whole(self.body(x))
        return cast("Tensor", self.numbers(last).flatten(1))


def distance(said: Tensor, true: Tensor) -> Tensor:
    """Returns (B,) how far the five points of the template are from where they should be, pixels of the crop, softened.

    To first order in the scale and the angle, which are small.

    Args:
        said: (B, 4) in `UNITS`.
        true: (B, 4) likewise.
    """
    right, down, zoom, angle = ((said - true) * torch.tensor(UNITS, device=said.device)).unsqueeze(2).unbind(1)
    x, y = torch.from_numpy(TEMPLATE - MIDDLE).to(said.device).unbind(1)
    off = (right + zoom * x - angle * y).square() + (down + zoom * y + angle * x).square()
    return (off + SOFTENED).sqrt().mean(1)
