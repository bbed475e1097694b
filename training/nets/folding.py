"""What can be taken into the weights of a trained net, so that it costs nothing when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from training.nets.layers import ConvDepthwise, GlobalDepthwise

LEAST = 1e-3
"""A channel that never exceeds this is left alone: it says nothing, and its factor would be noise."""


@torch.no_grad()
def project(net: nn.Module, mean: Tensor, matrix: Tensor) -> None:
    """Makes every output y of a net (y - mean) @ matrix from now on.

    Args:
        net: of any family; its `embedding` is a 1x1 convolution without bias and the batch norm after it.
        mean: (dimension,).
        matrix: (dimension, dimension).
    """
    last, norm = net.embedding
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = norm.bias - norm.running_mean * scale - mean
    last.weight.copy_((matrix.T @ (scale[:, None] * last.weight[:, :, 0, 0]))[..., None, None])
    norm.reset_running_stats()
    norm.running_var -= norm.eps
    norm.weight.fill_(1)
    norm.bias.copy_(offset @ matrix)


@torch.no_grad()
def equalise(net: nn.Module, samples: Tensor) -> None:
    """Makes the widest value of every channel before a depthwise convolution 1, for int8 has one step for all of them.

    The depthwise convolution, which has a scale for each channel, takes back what each is multiplied by, so that the
    outputs stay what they are (cross-layer equalisation, Nagel et al. 2019). A net without depthwise convolutions stays
    as it is. Where a channel reaches 6, ReLU6 would cut it off elsewhere: it keeps its values.

    Args:
        net: of any family, of one size.
        samples: what it takes, from training data.
    """
    widest: dict[nn.Module, Tensor] = {}

    def look(module: nn.Module, _inputs: object, output: Tensor) -> None:
        widest[module] = output.amax((0, 2, 3))

    pairs = list(_before_depthwise(net))
    hooks = [before.register_forward_hook(look) for before, _ in pairs]
    net.eval()(samples)
    for hook in hooks:
        hook.remove()
    for before, depthwise in pairs:
        factor = widest[before]
        factor[(factor < LEAST) | (factor >= 6)] = 1
        before[1].weight /= factor
        before[1].bias /= factor
        depthwise.weight *= factor[:, None, None, None]


def _before_depthwise(net: nn.Module) -> Iterator[tuple[nn.Sequential, nn.Module]]:
    """Yields convolutions with ReLU6, and the depthwise convolution that alone sees their output."""
    for run in net.modules():
        if isinstance(run, nn.Sequential):
            parts = list(run.children())
            for before, after in pairwise(parts):
                inner = after[0] if isinstance(after, nn.Sequential) else after
                if isinstance(inner, ConvDepthwise | GlobalDepthwise) and _ends_in_relu6(before):
                    yield before, inner


def _ends_in_relu6(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and len(module) == 3 and isinstance(module[2], nn.ReLU6)
