"""The families of image encoders: what stands before the embedding.

All shrink the picture 16 times, use ReLU6 and, at width 1, have about a million weights. ReLU6 and not PReLU, as in the
paper of MobileFaceNet: PReLU has no int8 kernel in XNNPACK and would break the graph up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from training.nets.encoder import Encoder
from training.nets.layers import Block, Plain, conv, multiple


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
    Stage(fused=False, channels=112, expansion=2, stride=1, blocks=6),
    Stage(fused=False, channels=192, expansion=3, stride=2, blocks=1),  # 7 x 7
    Stage(fused=False, channels=192, expansion=2, stride=1, blocks=4),
)
MOBILEFACENET = (
    Stage(fused=False, channels=64, expansion=2, stride=2, blocks=5),  # 28 x 28
    Stage(fused=False, channels=128, expansion=4, stride=2, blocks=1),  # 14 x 14
    Stage(fused=False, channels=128, expansion=2, stride=1, blocks=6),
    Stage(fused=False, channels=128, expansion=4, stride=2, blocks=1),  # 7 x 7
    Stage(fused=False, channels=128, expansion=2, stride=1, blocks=2),
)
FAST = ((48, 1), (96, 3), (160, 2))
"""Channels and blocks at 28 x 28, 14 x 14 and 7 x 7."""


def door(*, dimension: int, width: float = 1.0) -> Encoder:
    """Returns the net of our door.

    The first blocks are full convolutions that shrink the picture early (as in EfficientNetV2), because depthwise
    convolutions at high resolution are bound by memory, in training as on a Pi.
    """
    stem = _wide(24, width)
    return _encoder([conv(3, stem, stride=2)], stem, DOOR, width, dimension)


def mobilefacenet(*, dimension: int, width: float = 1.0) -> Encoder:
    """Returns the net of Chen et al. 2018, with ReLU6; its embedding has 128 dimensions in the paper."""
    stem = _wide(64, width)
    start = [conv(3, stem, stride=2), conv(stem, stem, groups=stem)]
    return _encoder(start, stem, MOBILEFACENET, width, dimension)


def fast(*, dimension: int, width: float = 1.0) -> Encoder:
    """Returns a net of full 3x3 convolutions alone.

    As many multiplications as `door` in a third of the layers: nothing is bound by memory, which int8 kernels like.
    """
    channels = _wide(24, width)
    layers: list[nn.Module] = [conv(3, channels, stride=2)]
    for full, blocks in FAST:
        wide = _wide(full, width)
        layers += [conv(channels, wide, stride=2), *(Plain(wide) for _ in range(blocks))]
        channels = wide
    return Encoder(layers, channels, head=_wide(512, width), dimension=dimension)


def _encoder(
    start: Sequence[nn.Module], channels: int, stages: Sequence[Stage], width: float, dimension: int
) -> Encoder:
    layers = [*start]
    for stage in stages:
        wide = _wide(stage.channels, width)
        for i in range(stage.blocks):
            stride = stage.stride if i == 0 else 1
            layers.append(Block(channels, wide, stage.expansion, stride, fused=stage.fused))
            channels = wide
    return Encoder(layers, channels, head=_wide(512, width), dimension=dimension)


def _wide(channels: int, width: float) -> int:
    return channels if width == 1 else multiple(channels * width)
