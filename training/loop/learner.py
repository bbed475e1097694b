"""One step of training: samples in, losses, gradients over all processes, and the weights moved."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from training.loop.world import World
from training.preset import Optimiser


def to_input(samples: NDArray[Any], device: torch.device | str = "cpu") -> Tensor:
    """Returns what a net takes: pictures (B, S, S, 3) uint8 as (B, 3, S, S) float32 in -1..1, sequences as they are."""
    x = torch.from_numpy(samples).to(device, non_blocking=True)
    if x.dtype != torch.uint8:
        return x.float()
    x = x.permute(0, 3, 1, 2).float()
    return x.sub_(127.5).div_(127.5).contiguous(memory_format=torch.channels_last)


def precision(device: torch.device) -> AbstractContextManager[Any]:
    """Returns autocast to bfloat16 where the processor multiplies in it; elsewhere it is ten times slower than float32."""
    fast = device.type == "cuda" or bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


class Learner:
    """The net, its losses and the optimiser, in one process of a world."""

    def __init__(self, net: nn.Module, losses: nn.Module, options: Optimiser, world: World) -> None:
        self.net = net.to(world.device, memory_format=torch.channels_last)
        self.losses = losses.to(world.device)
        self._options, self._world = options, world
        together = nn.ModuleList([self.net, self.losses])
        self.optimiser = _optimiser(together, options)
        self._forward: nn.Module = self.net
        if world.size > 1:
            on = [world.device.index] if world.device.type == "cuda" else None
            self._forward = DistributedDataParallel(self.net, on, broadcast_buffers=False, gradient_as_bucket_view=True)
        self._others = [p for p in self.losses.parameters() if p.requires_grad] if world.size > 1 else []
        self.autocast = True

    def step(self, samples: NDArray[Any], labels: Tensor, teacher: Tensor | None, rate: float) -> dict[str, Tensor]:
        """Learns from a batch; returns the parts of the loss, not yet read back from the device.

        Args:
            samples: as `to_input` takes them.
            labels: (B,) int64, -1 where nobody knows.
            teacher: (B, T) unit rows, or None.
            rate: learning rate.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.net.train()
        device = self._world.device
        with precision(device) if self.autocast else torch.autocast(device.type, enabled=False):
            raw = self._forward(to_input(samples, device))
        parts: dict[str, Tensor] = self.losses(raw, labels.to(device), None if teacher is None else teacher.to(device))
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        for parameter in self._others:  # those of the net are DistributedDataParallel's business
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= self._world.size
        if self._options.clip:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self._options.clip)
        self.optimiser.step()
        return {name: value.detach() for name, value in parts.items()}


def _optimiser(modules: nn.Module, options: Optimiser) -> torch.optim.Optimizer:
    if options.name == "sgd":
        return torch.optim.SGD(
            modules.parameters(), lr=0.0, momentum=options.momentum, nesterov=True, weight_decay=options.weight_decay
        )
    flat = [p for p in modules.parameters() if p.ndim < 2]
    rest = [p for p in modules.parameters() if p.ndim >= 2]
    groups = [{"params": rest, "weight_decay": options.weight_decay}, {"params": flat, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(options.momentum, 0.99))


@torch.no_grad()
def outputs(net: nn.Module, samples: NDArray[Any]) -> Tensor:
    """Returns (N, D) float32 of samples as `to_input` takes them, not of unit length, on the CPU."""
    net.eval()
    device = next(net.parameters()).device
    rows = []
    for start in range(0, len(samples), 256):
        with precision(device):
            rows.append(net(to_input(samples[start : start + 256], device)).float().cpu())
    return torch.cat(rows)


def embed(net: nn.Module, samples: NDArray[Any]) -> NDArray[np.float32]:
    """Returns `outputs` as unit rows (N, D)."""
    return np.asarray(F.normalize(outputs(net, samples)).numpy(), np.float32)
