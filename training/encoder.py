"""The encoder: one small convolutional net, applied to both pictures of a pair (siamese: shared weights).

Shaped like MobileFaceNet (Chen et al. 2018: inverted residuals, a global depthwise convolution instead of pooling, a
linear embedding), with two changes. ReLU6 instead of PReLU, because PReLU has no int8 kernel in XNNPACK and would break
the graph up; and the first blocks are full convolutions that shrink the picture early (as in EfficientNetV2), because
depthwise convolutions at high resolution are bound by memory, in training as on a Pi.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Stage(NamedTuple):
    """A run of blocks: `fused` full or depthwise, output channels, expansion, stride of the first, how many."""

    fused: bool
    channels: int
    expansion: float
    stride: int
    blocks: int


DOOR = (
    Stage(fused=True, channels=48, expansion=1.5, stride=2, blocks=1),  # 28 x 28
    Stage(fused=False, channels=48, expansion=2, stride=1, blocks=1),
    Stage(fused=False, channels=112, expansion=4, stride=2, blocks=1),  # 14 x 14
    Stage(fused=False, channels=112, expansion=2, stride=1, blocks=5),
    Stage(fused=False, channels=192, expansion=3, stride=2, blocks=1),  # 7 x 7
    Stage(fused=False, channels=192, expansion=2, stride=1, blocks=3),
)


def conv(
    inputs: int, outputs: int, size: int = 3, *, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Returns convolution, batch norm and, unless `act` is off, ReLU6."""
    layers = [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
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


class GlobalDepthwise(nn.Module):
    """A learned weighted mean per channel over the last map.

    The weights follow the map's size, so that the net can be trained on smaller pictures first.
    """

    SIDE = 7  # 112 / 16

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, self.SIDE, self.SIDE), 1 / self.SIDE**2))

    def fix(self, side: int) -> None:
        """Makes the weights of one size for good, before exporting."""
        weight = F.interpolate(self.weight, size=(side, side), mode="bilinear") * (self.weight.shape[-1] / side) ** 2
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        side, weight = x.shape[-1], self.weight
        if side != weight.shape[-1]:
            weight = F.interpolate(weight, size=(side, side), mode="bilinear") * (weight.shape[-1] / side) ** 2
        return F.conv2d(x, weight, groups=x.shape[1])


class Encoder(nn.Module):
    """(B, 3, S, S) float32 in -1..1, S a multiple of 16 -> (B, dimension) float32, not yet of unit length."""

    def __init__(
        self, stages: tuple[Stage, ...] = DOOR, *, stem: int = 24, head: int = 512, dimension: int = 256
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(3, stem, 3, stride=2)]
        channels = stem
        for stage in stages:
            for i in range(stage.blocks):
                stride = stage.stride if i == 0 else 1
                layers.append(Block(channels, stage.channels, stage.expansion, stride, fused=stage.fused))
                channels = stage.channels
        layers += [conv(channels, head, 1), GlobalDepthwise(head), nn.BatchNorm2d(head)]
        layers += [nn.Conv2d(head, dimension, 1, bias=False), nn.BatchNorm2d(dimension)]
        self.layers = nn.Sequential(*layers)
        self.dimension = dimension

    def fix(self, side: int) -> None:
        """Makes the net one for pictures of (side, side) only."""
        for layer in self.layers:
            if isinstance(layer, GlobalDepthwise):
                layer.fix(side // 16)

    @torch.no_grad()
    def equalise(self, samples: Tensor) -> None:
        """Makes the widest value of every channel of the last map 1, for int8 has one step for all of them.

        The global depthwise convolution takes back what each channel is multiplied by, so that the outputs stay what
        they are (cross-layer equalisation, Nagel et al. 2019). Without it this map alone makes most of int8's error.

        Args:
            samples: (N, 3, S, S) float32 of training faces.
        """
        head, last = self.layers[-5], self.layers[-4]
        if not isinstance(head, nn.Sequential) or not isinstance(last, GlobalDepthwise):
            raise TypeError("the last map does not come from a convolution, or goes elsewhere")
        widest = self.eval().layers[:-4](samples).amax((0, 2, 3)).clamp(min=1e-3)
        widest[widest >= 6] = 1  # where ReLU6 cuts off, it would do so elsewhere
        head[1].weight /= widest
        head[1].bias /= widest
        last.weight *= widest[:, None, None, None]

    @torch.no_grad()
    def project(self, mean: Tensor, matrix: Tensor) -> None:
        """Makes every output y (y - mean) @ matrix from now on, at no cost: the last layer takes both in.

        Args:
            mean: (dimension,).
            matrix: (dimension, dimension).
        """
        last, norm = self.layers[-2], self.layers[-1]
        if not isinstance(last, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError("the last layer is no convolution with batch norm")
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        offset = norm.bias - norm.running_mean * scale - mean
        last.weight.copy_((matrix.T @ (scale[:, None] * last.weight[:, :, 0, 0]))[..., None, None])
        norm.reset_running_stats()
        norm.running_var -= norm.eps
        norm.weight.fill_(1)
        norm.bias.copy_(offset @ matrix)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.flatten(1)
