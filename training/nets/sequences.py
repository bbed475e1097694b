"""The families of sequence encoders: (B, T, C) float32, T steps of C numbers -> (B, dimension), not of unit length.

A file takes sequences of one length only: int8 kernels know no other. Time is the width of a picture one pixel high, so
that every layer is one of those that stay int8 on XNNPACK and on an Edge TPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.errors import ConfigError

SHRINKS = 4
"""How many steps of the sequence become one of the recurrent net."""


def along(inputs: int, outputs: int, size: int, *, stride: int = 1, dilation: int = 1, act: bool = True) -> nn.Module:
    """Returns a convolution along time, batch norm and, unless `act` is off, ReLU6: (B, C, 1, T).

    The Edge TPU's compiler wants the same dilation both ways; over one row it makes no difference.
    """
    padding = (0, size // 2 * dilation)
    layers = [
        nn.Conv2d(inputs, outputs, (1, size), (1, stride), padding, (dilation, dilation), bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU6()) if act else nn.Sequential(*layers)


class Dilated(nn.Module):
    """A dilated convolution with a way around it: relu6(x + f(x)). Every map lies in 0..6."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.body = along(channels, channels, 3, dilation=dilation, act=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + self.body(x))


class Tcn(nn.Module):
    """A temporal convolutional net (Bai et al. 2018), seeing both ways: a signature is whole before it is compared.

    Args:
        channels: numbers in a step.
        width: channels of the maps.
        blocks: dilated 1, 2, 4 ...; five of them see 63 steps, twice that after the stem.
        dimension: of the embedding.
    """

    def __init__(self, *, channels: int, width: int = 64, blocks: int = 5, dimension: int) -> None:
        super().__init__()
        dilated = (Dilated(width, 2**i) for i in range(blocks))
        self.trunk = nn.Sequential(along(channels, width, 5, stride=2), *dilated, along(width, 2 * width, 1))
        self.last = nn.Sequential(nn.Conv2d(2 * width, dimension, 1, bias=False), nn.BatchNorm2d(dimension))
        self.dimension = dimension

    @property
    def embedding(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """The last layer, which `folding.project` changes."""
        return self.last[0], self.last[1]

    def fix(self, length: int) -> None:
        """Makes the net one for sequences of one length: it is, as it stands."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.trunk(_as_picture(x)).mean((2, 3), keepdim=True)
        said: Tensor = self.last(y).flatten(1)
        return said


class Gru(nn.Module):
    """Two convolutions that take four steps together, then a gated recurrent unit (Cho et al. 2014); its last state.

    For training it is PyTorch's own. A TFLite file has no recurrent unit that stays int8, so `fix` unrolls it into
    matrix products, sigmoids and hyperbolic tangents with the same weights: 14 operations a step.

    Args:
        channels: numbers in a step.
        width: of the state, and of the convolutions before.
        dimension: of the embedding.
    """

    def __init__(self, *, channels: int, width: int = 64, dimension: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(along(channels, width, 5, stride=2), along(width, width, 5, stride=2))
        self.gru = nn.GRU(width, width, batch_first=True)
        self.last = nn.Sequential(nn.Conv2d(width, dimension, 1, bias=False), nn.BatchNorm2d(dimension))
        self.dimension, self.steps = dimension, 0

    @property
    def embedding(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """The last layer, which `folding.project` changes."""
        return self.last[0], self.last[1]

    def fix(self, length: int) -> None:
        """Unrolls the net for sequences of one length.

        Raises:
            ConfigError: not a multiple of 4.
        """
        if length % SHRINKS:
            raise ConfigError(f"sequences of {length} steps: the net `gru` wants a multiple of {SHRINKS}")
        self.steps = length // SHRINKS

    def forward(self, x: Tensor) -> Tensor:
        y = self.trunk(_as_picture(x))  # (B, width, 1, T / 4)
        state = self._unrolled(y) if self.steps else self.gru(y[:, :, 0].transpose(1, 2))[0][:, -1]
        said: Tensor = self.last(state[..., None, None]).flatten(1)
        return said

    def _unrolled(self, y: Tensor) -> Tensor:
        """Returns the last state (B, width) as `nn.GRU` does, from plain operations."""
        width, gru = self.gru.hidden_size, self.gru
        gates = F.conv2d(y, gru.weight_ih_l0[: 2 * width, :, None, None], gru.bias_ih_l0[: 2 * width])
        candidates = F.conv2d(y, gru.weight_ih_l0[2 * width :, :, None, None], gru.bias_ih_l0[2 * width :])
        w_gates, w_new = gru.weight_hh_l0.split((2 * width, width))
        b_gates, b_new = gru.bias_hh_l0.split((2 * width, width))
        state = torch.zeros(len(y), width)
        for t in range(self.steps):
            if t == 0:  # nothing to remember yet
                reset, update = (gates[:, :, 0, 0] + b_gates).sigmoid().split(width, 1)
                state = (1 - update) * (candidates[:, :, 0, 0] + reset * b_new).tanh()
                continue
            reset, update = (gates[:, :, 0, t] + F.linear(state, w_gates, b_gates)).sigmoid().split(width, 1)
            new = (candidates[:, :, 0, t] + reset * F.linear(state, w_new, b_new)).tanh()
            state = new + update * (state - new)
        return state


def _as_picture(x: Tensor) -> Tensor:
    """Returns (B, T, C) as (B, C, 1, T)."""
    return x[:, None].permute(0, 3, 1, 2)
