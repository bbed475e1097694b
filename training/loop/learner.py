"""One step of training: samples in, losses, gradients over all processes, and the weights moved."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from training.hints import Hinted, hint_loss
from training.live.encoders import Encoders
from training.loop import optimisers
from training.loop.world import World, multiplies_bfloat16
from training.losses.total import Total
from training.preset import Preset


def to_input(samples: NDArray[Any], device: torch.device | str = "cpu") -> Tensor:
    """Returns what a net takes: pictures (B, S, S, 3) uint8 as (B, 3, S, S) float32 in -1..1, sequences as they are."""
    x = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).to(device, non_blocking=True)
    if x.dtype != torch.uint8:
        return x.float()
    x = x.permute(0, 3, 1, 2).float()
    return x.sub_(127.5).div_(127.5).contiguous(memory_format=torch.channels_last)


def precision(device: torch.device) -> AbstractContextManager[Any]:
    """Returns autocast to bfloat16 where the processor multiplies in it."""
    chosen: AbstractContextManager[Any] = torch.autocast(
        device.type, torch.bfloat16, enabled=multiplies_bfloat16(device)
    )
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A batch of one process."""

    samples: NDArray[Any]  # (B, S, S, 3) uint8 pictures or (B, T, C) float32 sequences
    labels: NDArray[np.int64]  # (B,), -1 where nobody knows
    teacher: NDArray[np.float16] | None = None  # (B, T) unit rows of the reference encoders
    maps: NDArray[np.float16] | None = None  # (B, 7, 7, C) of a reference encoder, for a hint
    plain: NDArray[np.bool_] | None = None  # (B,) whose maps these are: not mirrored
    asked: NDArray[np.uint8] | None = None  # (B, 112, 112, 3) of which the reference encoders are asked now


class Learner:
    """The net, its losses and the optimiser, in one process of a world.

    Args:
        module: the net, or the net with a head for hints (`Hinted`), whose `net` it is.
        losses: see `training.losses.Total`.
        preset: how to optimise, and what a hint counts.
        world: whom gradients are averaged with.
        ask: the reference encoders, where they are asked about each batch.
    """

    def __init__(
        self, module: nn.Module, losses: Total, preset: Preset, world: World, ask: Encoders | None = None
    ) -> None:
        self.module = module.to(world.device, memory_format=torch.channels_last)
        self.net: nn.Module = module.net if isinstance(module, Hinted) else module
        self.losses = losses.to(world.device)
        self._preset, self._world, self._ask = preset, world, ask
        beside = [*([module.head] if isinstance(module, Hinted) else []), self.losses]
        self.optimiser = optimisers.make(self.net, nn.ModuleList(beside), preset.optimiser, world)
        self._forward: nn.Module = self.module
        self.regroup()
        self._captured: tuple[tuple[int, ...], nn.Module] | None = None  # and the shape of what it takes
        self._others = [p for p in self.losses.parameters() if p.requires_grad] if world.size > 1 else []

    def regroup(self) -> None:
        """Has gradients averaged as at the very beginning.

        DistributedDataParallel groups them anew after its first step, and of three processes and more a sum depends on
        where in a group a number stands. A run that is gone on with begins anew, so every look does as well.
        """
        if self._world.size > 1:
            on = [self._world.device.index] if self._world.device.type == "cuda" else None
            self._forward = self.module
            gc.collect()  # the one before is in a cycle, and would average as well
            self._forward = DistributedDataParallel(
                self.module, on, forward_sync_buffers=False, gradient_as_bucket_view=True
            )

    def step(self, batch: Drawn, rate: float) -> dict[str, Tensor]:
        """Learns from a batch at a learning rate; returns the parts of the loss, not yet read back from the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.module.train()
        parts = self._losses(batch)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        self._share()
        if self._preset.optimiser.clip:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self._preset.optimiser.clip)
        self.optimiser.step()
        return {name: value.detach() for name, value in parts.items()}

    def _losses(self, batch: Drawn) -> dict[str, Tensor]:
        def on(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(self._world.device, non_blocking=True)

        out = self._said(to_input(batch.samples, self._world.device))
        raw, said = out if isinstance(out, tuple) else (out, None)
        teacher, maps, plain = (None if part is None else on(part) for part in (batch.teacher, batch.maps, batch.plain))
        if self._ask is not None and batch.asked is not None:
            teacher, maps = self._ask(on(batch.asked))
            plain = torch.ones(len(raw), dtype=torch.bool, device=raw.device)
        parts: dict[str, Tensor] = self.losses(raw, on(batch.labels), teacher)
        if said is not None and maps is not None and plain is not None:
            parts["hint"] = self._preset.hint.weight * hint_loss(said, maps, plain)
        return parts

    def _said(self, x: Tensor) -> Any:
        if x.device.type == "cuda" and x.ndim == 4 and self._world.size == 1:
            shape = tuple(x.shape)
            if self._captured is None or self._captured[0] != shape:
                self._captured = None  # what it held of the phase before is free
                self._captured = shape, capture(self.module, x)
            return self._captured[1](x)
        with precision(self._world.device):
            return self._forward(x)

    def _share(self) -> None:
        """Averages the gradients of the losses' own parameters; DistributedDataParallel sees to those of the net."""
        for parameter in self._others:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= self._world.size


class _Whole(nn.Module):
    """A module with its autocast, which a captured one has to bring along."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Any:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=multiplies_bfloat16(x.device), cache_enabled=False):
            return self.module(x)


def capture(module: nn.Module, x: Tensor) -> nn.Module:
    """Returns a module that learns as this one, its way forward and back one launch each (CUDA graphs), on a GPU.

    A small net is hundreds of short kernels, and a processor takes longer to launch them than the GPU to compute them.

    Args:
        module: in training mode; its weights are shared, its running means stay what they are.
        x: what it is going to take, of this shape always.
    """
    before = [buffer.clone() for buffer in module.buffers()]
    captured: nn.Module = torch.cuda.make_graphed_callables(_Whole(module).train(), (x.clone(),))
    for buffer, was in zip(module.buffers(), before, strict=True):
        buffer.copy_(was)
    return captured


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
