"""What can be taken into the weights of a trained net, so that it costs nothing when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from training.nets.layers import GlobalDepthwise

LEAST = 1e-3
"""A channel that never exceeds this is left alone: it says nothing, and its factor would be noise."""
LEAST_WEIGHT = 1e-4
"""Of a channel, its norm taken in: by 127 steps, times a step of its input, 2^31 of them hold any bias below 6."""


@torch.no_grad()
def project(net: nn.Module, mean: Tensor, matrix: Tensor) -> None:
    """Makes every output y of a net (y - mean) @ matrix from now on.

    Args:
        net: of any family, as for `last_layer`.
        mean: (dimension,).
        matrix: (dimension, dimension).
    """
    weight, bias = last_layer(net)
    set_last_layer(net, matrix.T @ weight, (bias - mean) @ matrix)


@torch.no_grad()
def last_layer(net: nn.Module) -> tuple[Tensor, Tensor]:
    """Returns the last layer of a net, its norm taken in: (dimension, C) and (dimension,), float32.

    Args:
        net: of any family; its `embedding` is a 1x1 convolution without bias and the batch norm after it.
    """
    last, norm = net.embedding
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale[:, None] * last.weight[:, :, 0, 0], norm.bias - norm.running_mean * scale


@torch.no_grad()
def set_last_layer(net: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Gives a net another last layer.

    Args:
        net: of any family, as for `last_layer`.
        weight: (dimension, C) float32.
        bias: (dimension,) float32.
    """
    last, norm = net.embedding
    last.weight.copy_(weight[..., None, None])
    norm.reset_running_stats()
    norm.running_var -= norm.eps
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


@torch.no_grad()
def hold_constants(net: nn.Module) -> None:
    """Gives channels that are a constant a weight, for int8 writes a bias in steps of the weights' own scale.

    Where all weights of a channel are nought so is their scale, and its bias would end at 2^31 of nearly nothing.

    Args:
        net: of any family.
    """
    for run in net.modules():
        if not isinstance(run, nn.Sequential):
            continue
        for before, norm in pairwise(run.children()):
            if isinstance(before, nn.Conv2d | GlobalDepthwise) and isinstance(norm, nn.BatchNorm2d):
                _hold(before.weight, norm)


def _hold(weight: Tensor, norm: nn.BatchNorm2d) -> None:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    gone = (weight * scale[:, None, None, None]).abs().amax((1, 2, 3)) < LEAST_WEIGHT
    norm.bias[gone] -= (norm.running_mean * scale)[gone]
    norm.weight[gone], norm.running_mean[gone], norm.running_var[gone] = 1.0, 0.0, 1.0 - norm.eps
    weight[gone] = 0
    weight[gone, 0, 0, 0] = LEAST_WEIGHT


@torch.no_grad()
def equalise(net: nn.Module, samples: Tensor) -> None:
    """Makes the widest value of every channel between two convolutions 1, for int8 has one step for all of them.

    The second takes back what each is multiplied by, so that the outputs stay what they are (cross-layer equalisation,
    Nagel et al. 2019): a channel that is narrow, and that the second makes much of, drowns in the step of the others
    otherwise. Where a channel reaches 6, ReLU6 would cut it off elsewhere: it keeps its values.

    Args:
        net: of any family, of one size.
        samples: what it takes, from training data.
    """
    widest: dict[nn.Module, Tensor] = {}

    def look(module: nn.Module, _inputs: object, output: Tensor) -> None:
        widest[module] = output.amax((0, 2, 3))

    pairs = list(_between(net))
    hooks = [before.register_forward_hook(look) for before, _ in pairs]
    net.eval()(samples)
    for hook in hooks:
        hook.remove()
    for before, after in pairs:
        factor = widest[before]
        factor[(factor < LEAST) | (factor >= 6)] = 1
        before[1].weight /= factor
        before[1].bias /= factor
        alone = isinstance(after, GlobalDepthwise) or after.groups > 1
        after.weight *= factor[:, None, None, None] if alone else factor[:, None, None]


def _between(net: nn.Module) -> Iterator[tuple[nn.Sequential, nn.Module]]:
    """Yields convolutions with ReLU6, and the convolution that alone sees their output."""
    for run in net.modules():
        if isinstance(run, nn.Sequential):
            parts = list(run.children())
            for before, after in pairwise(parts):
                inner = after[0] if isinstance(after, nn.Sequential) else after
                if isinstance(inner, nn.Conv2d | GlobalDepthwise) and _ends_in_relu6(before):
                    yield before, inner


def _ends_in_relu6(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and len(module) == 3 and isinstance(module[2], nn.ReLU6)
