"""The layers that round as an int8 file does, and let gradients pass: what `training.qat` puts into a net."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.nets.layers import GlobalDepthwise

WIDEST = 127  # weights are symmetric: -127..127
STEPS = 255  # between the 256 values of a map


class Folded(nn.Module):
    """A convolution with its batch norm folded in and its weights rounded."""

    def __init__(self, conv: nn.Module, norm: nn.BatchNorm2d | None) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm

    def forward(self, x: Tensor) -> Tensor:
        conv, norm = self.conv, self.norm
        everywhere = isinstance(conv, GlobalDepthwise)
        weight, bias = (conv.sized(x.shape[-1]), None) if everywhere else (conv.weight, conv.bias)
        if norm is not None:
            scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
            weight = weight * scale[:, None, None, None]
            bias = norm.bias + ((0 if bias is None else bias) - norm.running_mean) * scale
        weight = round_weights(weight)
        if everywhere:
            return (x * weight[:, 0]).sum((2, 3), keepdim=True) + (0 if bias is None else bias[:, None, None])
        return F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


class Rounding(nn.Module):
    """Rounds a map to the 256 values between its two ends, zero among them; learns the ends."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = nn.Parameter(torch.tensor(low)), nn.Parameter(torch.tensor(high))

    def ends(self) -> tuple[float, float]:
        """Returns the range, which holds zero."""
        return min(self.low.detach().item(), 0.0), max(self.high.detach().item(), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        low, high = self.ends()
        scale = max(high - low, 1e-9) / STEPS
        cut = torch.minimum(torch.maximum(x, self.low.clamp(max=0)), self.high.clamp(min=0))
        zero = min(max(round(-128 - low / scale), -128), 127)
        rounded = torch.fake_quantize_per_tensor_affine(cut.detach(), scale, zero, -128, 127)
        return cut + (rounded - cut).detach()


class Watching(nn.Module):
    """Lets a map pass and remembers its smallest and its largest value."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high, self.last = 0.0, 0.0, torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        self.low, self.high = min(self.low, float(x.min())), max(self.high, float(x.max()))
        self.last = x
        return x


def round_weights(weight: Tensor) -> Tensor:
    """Returns (O, ...) weights rounded to 255 steps in each output channel; gradients pass."""
    flat = weight.detach().flatten(1)
    scale = (flat.abs().amax(1) / WIDEST).clamp(min=1e-9)
    zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -WIDEST, WIDEST)
