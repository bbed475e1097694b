"""Hints: the net's last map is to say what a reference encoder's last map says, place by place.

An embedding is 256 numbers a picture; the map behind it, 7 x 7 x 64, says much more about where what is, and the
reference encoder's embedding is a linear function of it. So a net learns faster than from embeddings alone (Romero et
al. 2015, FitNets; figures in training/research/encoder.md). Only training knows of it: the head is not exported.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.data.errors import DataError
from training.data.reference import MAPS
from training.nets.layers import GlobalDepthwise

SAMPLES = 2000


class Maps:
    """The reference encoder's maps, (N, 7, 7, C) float16 on disk, each channel at mean 0 and deviation 1 when asked.

    They are those of the pictures as they are, and not of mirrored ones.
    """

    def __init__(self, folder: Path, train: NDArray[np.int64]) -> None:
        """Opens what `prepare` left.

        Raises:
            DataError: it left no maps.
        """
        if not (folder / MAPS).exists():
            raise DataError(
                f"{folder / MAPS} is missing, and the preset has a [hint]: run `prepare` (`label` after `pack`)"
            )
        self._maps = np.load(folder / MAPS, mmap_mode="r")
        train = train[train < len(self)]  # of what is joined to them, such as blends, there are none
        rows = np.sort(np.random.default_rng(0).choice(train, min(SAMPLES, len(train)), replace=False))
        some = np.asarray(self._maps[rows], np.float32)
        self._mean, self._deviation = some.mean((0, 1, 2)), some.std((0, 1, 2)) + 1e-3
        self.shape: tuple[int, ...] = self._maps.shape[1:]

    def __len__(self) -> int:
        return len(self._maps)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Returns (B, 7, 7, C); of rows that there are no maps of, such as blends, those of the last."""
        some = np.stack([self._maps[min(int(row), len(self) - 1)] for row in rows]).astype(np.float32)
        return np.asarray((some - self._mean) / self._deviation, np.float16)


class Hinted(nn.Module):
    """An encoder with a head on its last map.

    Args:
        net: an image encoder of `training.nets`, with its `layers`.
        shape: (7, 7, C) of the reference encoder's map.
    """

    def __init__(self, net: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.side = net, shape[0]
        self._at = next(i for i, layer in enumerate(net.layers) if isinstance(layer, GlobalDepthwise))
        channels = net.layers[self._at].weight.shape[0]
        self.head = nn.Conv2d(channels, 4 * shape[2], 1)  # each place of ours answers for four

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the embeddings (B, D) and the (B, C, 7, 7) that the map says."""
        last = self.net.layers[: self._at](x)
        said = F.pixel_shuffle(self.head(last), 2)
        said = F.interpolate(said, size=(self.side, self.side), mode="bilinear", align_corners=False)
        return self.net.layers[self._at :](last).flatten(1), said


def hint_loss(said: Tensor, maps: Tensor, plain: Tensor) -> Tensor:
    """Returns the mean squared difference over the pictures that are not mirrored; 0 if all are.

    Args:
        said: (B, C, 7, 7) by the net.
        maps: (B, 7, 7, C) by the reference encoder.
        plain: (B,) bool.
    """
    error = (said.float().permute(0, 2, 3, 1) - maps.float()).pow(2).mean((1, 2, 3))
    return (error * plain).sum() / plain.sum().clamp(min=1)  # without a look at how many, for which a GPU would wait
