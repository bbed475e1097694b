"""Channels that say nothing any more, and how they begin anew without changing what the net says.

A channel behind a batch norm and a ReLU6 dies when its scale has shrunk to nothing: then no gradient reaches what is
before it, and it never comes back. Weight decay on the scales of batch norms does that to a small net trained for long
at high rates; three of four channels of our first `door` were dead, and no longer training could have told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.nets.encoder import Encoder
from training.nets.layers import Block, GlobalDepthwise

LEAST = 1e-3
"""A map whose standard deviation over pictures and places is below this is dead; those that live have 0.01 to 0.5."""


def dead(net: nn.Module, samples: Tensor) -> float:
    """Returns the share of dead channels over all normed maps of a net of pictures, 0..1; 0 for other nets.

    Args:
        net: in evaluation mode afterwards.
        samples: (B, 3, S, S) pictures as the net takes them.
    """
    gone = [spread < LEAST for spread, _ in _maps(net, samples).values()]
    return sum(int(channels.sum()) for channels in gone) / max(1, sum(len(channels) for channels in gone))


@torch.no_grad()
def revive(net: nn.Module, samples: Tensor) -> int:
    """Begins dead channels anew: new weights go in, and nothing of them comes out until it is learnt.

    What is drawn is drawn from torch's own generator: seed it, so that all processes draw alike. Nets of other kinds
    than `Encoder` stay as they are.

    Args:
        net: trained; in evaluation mode afterwards. Its outputs stay what they are.
        samples: (B, 3, S, S) pictures as the net takes them.

    Returns:
        How many channels that were.
    """
    if not isinstance(net, Encoder):
        return 0
    maps, begun = _maps(net, samples), 0
    for part in _parts(net):
        spread, mean = maps[part.norms[-1]]
        gone = spread < LEAST
        constant = mean[gone].clamp(0, 6) if part.cut else mean[gone]
        part.after.running_mean -= part.out.weight[:, gone, 0, 0] @ constant
        for weight in part.into:
            _draw(weight, gone)
        for norm in part.norms:
            _start(norm, gone, 1.0)
            norm.bias[gone] = 0
        part.out.weight[:, gone] = 0
        begun += int(gone.sum())
    for norm, weight in _residuals(net):  # from nought, as residual branches begin (Goyal et al. 2017)
        spread, mean = maps[norm]
        gone = spread < LEAST
        _draw(weight, gone)
        _start(norm, gone, 0.0)
        norm.bias[gone] = mean[gone]
        begun += int(gone.sum())
    return begun


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Channels that one convolution alone sees."""

    into: tuple[nn.Parameter, ...]  # weights whose rows are theirs
    norms: tuple[nn.BatchNorm2d, ...]
    out: nn.Conv2d  # whose columns are theirs
    after: nn.BatchNorm2d  # which takes the constant that a dead channel was
    cut: bool  # by a ReLU6 in between


def _parts(net: Encoder) -> Iterator[_Part]:
    layers = list(net.layers)
    for block in (layer for layer in layers if isinstance(layer, Block)):
        *first, last = block.body
        yield _Part(tuple(conv[0].weight for conv in first), tuple(conv[1] for conv in first), *last, cut=True)
    head, depthwise, norm, embedding, last_norm = layers[-5:]
    if isinstance(depthwise, GlobalDepthwise):
        yield _Part((head[0].weight, depthwise.weight), (head[1], norm), embedding, last_norm, cut=False)


def _residuals(net: Encoder) -> Iterator[tuple[nn.BatchNorm2d, nn.Parameter]]:
    for layer in net.layers:
        if isinstance(layer, Block) and layer.residual:
            yield layer.body[-1][1], layer.body[-1][0].weight


def _draw(weight: nn.Parameter, rows: Tensor) -> None:
    """He et al. 2015; a mean over its places for what sees a whole map."""
    if weight.shape[-1] > 3:
        weight[rows] = 1 / weight[0].numel()
        return
    fresh = torch.empty_like(weight, memory_format=torch.contiguous_format)
    nn.init.kaiming_normal_(fresh)
    weight[rows] = fresh[rows]


def _start(norm: nn.BatchNorm2d, rows: Tensor, scale: float) -> None:
    norm.weight[rows] = scale
    if norm.running_mean is not None and norm.running_var is not None:
        norm.running_mean[rows], norm.running_var[rows] = 0.0, 1.0


@torch.no_grad()
def _maps(net: nn.Module, samples: Tensor) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Returns of each channel of each normed map the standard deviation and the mean, over pictures and places."""
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def look(module: nn.Module, _inputs: object, output: Tensor) -> None:
        if output.ndim == 4:
            found[module] = torch.std_mean(output.float(), (0, 2, 3))

    hooks = [module.register_forward_hook(look) for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    net.eval()(samples)
    for hook in hooks:
        hook.remove()
    return found
