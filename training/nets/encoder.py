"""An encoder of pictures: one small convolutional net, applied to both of a pair (siamese: shared weights).

All image families end alike, as MobileFaceNet does (Chen et al. 2018): a wide last map, a global depthwise convolution
instead of pooling, a linear embedding. They differ in the layers before (`training.nets.images`).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from agent.errors import ConfigError
from training.nets.layers import GlobalDepthwise, conv

SHRINKS = 16
"""How many pixels of the picture become one of the last map."""


class Encoder(nn.Module):
    """(B, 3, S, S) float32 in -1..1, S a multiple of 16 -> (B, dimension) float32, not yet of unit length.

    Args:
        trunk: layers that shrink the picture 16 times, in `channels` channels.
        channels: of the trunk's last map.
        head: channels of the map that the global depthwise convolution sees.
        dimension: of the embedding.
    """

    def __init__(self, trunk: Sequence[nn.Module], channels: int, *, head: int, dimension: int) -> None:
        super().__init__()
        layers = [*trunk, conv(channels, head, 1), GlobalDepthwise(head), nn.BatchNorm2d(head)]
        layers += [nn.Conv2d(head, dimension, 1, bias=False), nn.BatchNorm2d(dimension)]
        self.layers = nn.Sequential(*layers)
        self.dimension = dimension

    def fix(self, side: int) -> None:
        """Makes the net one for pictures of (side, side) only.

        Raises:
            ConfigError: the net cannot take such pictures.
        """
        if side % SHRINKS:
            raise ConfigError(f"pictures of {side} pixels: want a multiple of {SHRINKS}")
        for layer in self.layers:
            if isinstance(layer, GlobalDepthwise):
                layer.fix(side // SHRINKS)

    @property
    def embedding(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """The last layer, which `folding.project` changes."""
        return self.layers[-2], self.layers[-1]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.flatten(1)
