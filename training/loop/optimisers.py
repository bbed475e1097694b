"""What makes steps of gradients, and for which weights."""

from __future__ import annotations

import torch
from torch import nn

from training.loop.muon import Muon
from training.loop.world import World, multiplies_bfloat16
from training.nets.layers import GlobalDepthwise
from training.preset import Optimiser


def make(net: nn.Module, others: nn.Module, options: Optimiser, world: World) -> torch.optim.Optimizer:
    """Returns the optimiser of a net and of what is trained beside it.

    Weights of full convolutions and matrices decay; scales, biases and depthwise kernels do not. Those would decay to
    nothing where the rate is high, and their channels with them: see `training.nets.revival`. Muon keeps the lengths of
    the net's matrices instead, where a norm is behind them; `momentum` and `weight_decay` are those of the rest.

    Args:
        net: the encoder or the detector. Its layers have a bias of their own where no norm is behind them.
        others: the parameters of losses and of the head for hints.
        options: [optimiser] of a preset.
        world: the processes that train together.
    """
    everything = nn.ModuleList([net, others])
    still = {id(p) for m in everything.modules() if isinstance(m, GlobalDepthwise) for p in m.parameters()}
    still |= {id(m.weight) for m in everything.modules() if isinstance(m, nn.Conv2d) and m.groups > 1}
    still |= {id(p) for p in everything.parameters() if p.ndim < 2}
    decaying = [p for p in everything.parameters() if id(p) not in still]
    groups = [
        {"params": decaying, "weight_decay": options.weight_decay},
        {"params": [p for p in everything.parameters() if id(p) in still], "weight_decay": 0.0},
    ]
    if options.name == "adamw":
        return torch.optim.AdamW(groups, lr=0.0, betas=(options.momentum, 0.99))
    if options.name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=options.momentum, nesterov=options.momentum > 0)
    bare = {id(m.weight) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None}
    turned = {id(p) for p in net.parameters()} - bare
    groups[0]["params"] = [p for p in decaying if id(p) not in turned]
    turning = [p for p in decaying if id(p) in turned]
    fast = multiplies_bfloat16(world.device)
    return Muon(groups, turning, momentum=options.momentum, turn=options.turn, world=world, fast=fast)
