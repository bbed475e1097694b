"""The detector: a small anchor-free net.

It says at every cell of three grids whether a face's middle is there, how large the face is, and where its eyes, nose
and mouth corners are.

The cells are 8, 16 and 32 pixels wide. Small faces are found on the fine grid, helped by what the next coarser one
sees around them; all numbers are in cells, so that one int8 scale serves each grid (FCOS, Tian et al. 2019; YuNet,
Wu et al. 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.nets.layers import Block, conv

STRIDES = (8, 16, 32)


class Head(nn.Module):
    """(B, C, H, W) -> scores (B, 1, H, W) before the sigmoid, boxes (B, 4, H, W), landmarks (B, 10, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared, self.marks = (
            nn.Sequential(conv(channels, channels, groups=channels), conv(channels, channels, 1)) for _ in range(2)
        )
        self.score, self.box, self.points = (nn.Conv2d(channels, n, 1) for n in (1, 4, 10))
        nn.init.constant_(self.score.bias, -4.6)  # 1 % faces at first (Lin et al. 2017)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = self.shared(x)
        marks = self.marks(x)
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 knows numbers of cells to a tenth of a pixel
            return self.score(y.float()), self.box(y.float()), self.points(marks.float())


class InPairs(nn.Module):
    """A 3x3 convolution of stride 2 over 3 channels, taken as one over pairs of pixels: the same outputs, sooner.

    Kernels for int8 work on eight input channels at a time (XNNPACK's on AVX2): nine taps of 3 channels cost 72
    multiplications, six taps of 6 cost 48. Side by side in a row, pairs lie in memory as the pixels did.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        if (conv.in_channels, conv.kernel_size, conv.stride, conv.padding) != (3, (3, 3), (2, 2), (1, 1)):
            raise ValueError(f"not a 3x3 convolution of stride 2 over 3 channels: {conv}")
        weight = conv.weight.new_zeros(conv.out_channels, 6, 3, 2)
        weight[:, 3:, :, 0] = conv.weight.detach()[..., 0]  # the right one of the pair before
        weight[:, :3, :, 1], weight[:, 3:, :, 1] = conv.weight.detach()[..., 1], conv.weight.detach()[..., 2]
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        pairs = x.permute(0, 2, 3, 1).reshape(batch, height, width // 2, 6).permute(0, 3, 1, 2)
        return F.conv2d(F.pad(pairs, (1, 0, 1, 0)), self.weight, stride=(2, 1))


class Detector(nn.Module):
    """(B, 3, 240, 320) float32 in -1..1 -> nine maps: scores, boxes, landmarks of stride 8, then of 16, then of 32.

    Large maps are what costs: the stem is thin and expands nothing. Faces near enough for a door lie on the middle
    and the coarse grid, whose blocks are cheap; most of the weights are there.
    """

    def __init__(self, *, stem: int = 16, widths: tuple[int, int, int, int] = (16, 32, 80, 96)) -> None:
        super().__init__()
        quarter, eighth, sixteenth, last = widths
        self.stem = nn.Sequential(
            conv(3, stem, stride=2),
            conv(stem, stem, stride=2, groups=stem),
            conv(stem, quarter, 1),
            Block(quarter, quarter, 2, 1, fused=False),
        )
        self.fine = nn.Sequential(
            conv(quarter, eighth, stride=2), *(Block(eighth, eighth, 2, 1, fused=False) for _ in range(3))
        )
        self.middle = nn.Sequential(
            Block(eighth, sixteenth, 3, 2, fused=False),
            *(Block(sixteenth, sixteenth, 2, 1, fused=False) for _ in range(3)),
        )
        self.coarse = nn.Sequential(
            Block(sixteenth, last, 2, 2, fused=False), *(Block(last, last, 2, 1, fused=False) for _ in range(2))
        )
        self.down = conv(sixteenth, eighth, 1, act=False)
        self.wide = conv(last, sixteenth, 1, act=False)
        self.heads = nn.ModuleList(Head(c) for c in (eighth, sixteenth, last))

    def pair(self) -> None:
        """Makes the first convolution one over pairs of pixels, before exporting."""
        first = self.stem[0]
        first[0] = InPairs(first[0])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = middle + _twice(self.wide(coarse), middle)
        fine = fine + _twice(self.down(middle), fine)
        maps: list[Tensor] = []
        for head, level in zip(self.heads, (fine, middle, coarse), strict=True):
            maps += head(level)
        return tuple(maps)


def _twice(x: Tensor, like: Tensor) -> Tensor:
    """Returns a map at twice its size, cut to the size of a finer one: 15 rows have 8 coarse ones above them.

    Corners lie on corners: the Edge TPU's compiler does not know the version of the operation with half-pixel centres.
    """
    twice = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
    return twice[..., : like.shape[-2], : like.shape[-1]]


def grow(net: Detector, weights: dict[str, Tensor]) -> None:
    """Fills a net with the weights of one that has fewer channels or layers, so that it says the same.

    What is old lies in the corner of what is new. Nobody listens to the new channels at first (Net2Net, Chen et al.
    2016), nor do new maps that are added to old ones say anything; a new branch of a head begins as its sibling.

    Raises:
        ValueError: they are those of another kind of net.
    """
    state = net.state_dict()
    if not weights or (strange := sorted(set(weights) - set(state))):
        raise ValueError(f"the net has no {strange[0]}" if weights else "there are none")
    for name, value in state.items():
        old = weights.get(name, weights.get(name.replace(".marks.", ".shared.")))
        if old is None:
            if (name.startswith("wide.1.") or ".body.2.1." in name) and name.endswith(("weight", "bias")):
                value.zero_()
            continue
        corner = tuple(slice(0, size) for size in old.shape)
        if old.dim() == 4 and value.shape[1] > old.shape[1]:
            value[: old.shape[0], old.shape[1] :] = 0
        value[corner] = old.to(value.dtype)
    net.load_state_dict(state)
