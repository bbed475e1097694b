"""The layers that our convolutional nets are made of: only what stays int8 on XNNPACK and on an Edge TPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def multiple(channels: float, of: int = 8) -> int:
    """Returns the nearest number of channels that fills the vectors of int8 kernels; at least one vector."""
    return max(of, int(channels + of / 2) // of * of)


class ConvDepthwise(nn.Conv2d):
    """A depthwise convolution that leaves bfloat16 where that is slow.

    oneDNN has no bfloat16 kernel for the backward pass of a depthwise convolution of stride 2 and falls back to a
    reference loop: 109 of a step's 500 ms for one such layer (64 pictures of 112 pixels, one core of an AVX-512 EPYC,
    torch 2.13). In float32 it takes what its neighbours take. Only on the CPU, only inside autocast; the weights and
    their names are those of `nn.Conv2d`, and an exported file does not differ.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (x.device.type == "cpu" and self.stride[0] > 1 and torch.is_autocast_enabled("cpu")):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(torch.get_autocast_dtype("cpu"))


def conv(
    inputs: int, outputs: int, size: int = 3, *, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Returns convolution, batch norm and, unless `act` is off, ReLU6."""
    kind = ConvDepthwise if groups == inputs > 1 else nn.Conv2d
    layers = [kind(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU6()) if act else nn.Sequential(*layers)


class Block(nn.Module):
    """An inverted residual (Sandler et al. 2018); fused: one full 3x3 instead of expand + depthwise."""

    def __init__(self, inputs: int, outputs: int, expansion: float, stride: int, *, fused: bool) -> None:
        super().__init__()
        hidden = int(inputs * expansion)
        self.residual = stride == 1 and inputs == outputs
        first = (
            [conv(inputs, hidden, 3, stride=stride)]
            if fused
            else [conv(inputs, hidden, 1), conv(hidden, hidden, 3, stride=stride, groups=hidden)]
        )
        self.body = nn.Sequential(*first, conv(hidden, outputs, 1, act=False))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class Plain(nn.Module):
    """One full 3x3 convolution with a way around it: relu6(x + f(x)).

    Every map that leaves it lies in 0..6, whose int8 step is known beforehand. The way around is an addition of its
    own and not folded into the weights, as RepVGG does (Ding et al. 2021): a one in the middle of a kernel widens the
    range of its 8 bits twentyfold (Chu et al. 2022).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = conv(channels, channels, act=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + self.body(x))


class GlobalDepthwise(nn.Module):
    """A learned weighted mean per channel over the last map.

    The weights follow the map's size, so that the net can be trained on smaller pictures first. While training it is a
    product and a sum, the same numbers: the backward pass of a depthwise convolution as large as its map is another of
    oneDNN's reference loops in bfloat16. A file gets the convolution.
    """

    SIDE = 7  # 112 / 16

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, self.SIDE, self.SIDE), 1 / self.SIDE**2))

    def sized(self, side: int) -> Tensor:
        """Returns the weights (channels, 1, side, side)."""
        if side == self.weight.shape[-1]:
            return self.weight
        weight = F.interpolate(self.weight, size=(side, side), mode="bilinear")
        return weight * (self.weight.shape[-1] / side) ** 2

    def fix(self, side: int) -> None:
        """Makes the weights of one size for good, before exporting."""
        self.weight = nn.Parameter(self.sized(side).detach())

    def forward(self, x: Tensor) -> Tensor:
        weight = self.sized(x.shape[-1])
        if self.training:
            return (x * weight[:, 0].to(x.dtype)).sum((2, 3), keepdim=True)
        return F.conv2d(x, weight, groups=x.shape[1])
