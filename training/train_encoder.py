"""Trains the encoder: distillation from reference embeddings plus a siamese loss on the people who are named.

Phases grow the picture: most of what there is to learn is there at 48 pixels, at half the price of 64.

Each core trains on its own part of the batch in a process of its own, and the gradients are averaged: for a net this
small that sees a third more pictures a second than one process with as many threads.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from agent.vision.encode import shrink
from training.background import die_with, in_background
from training.faces import PIXELS, Batches, Faces, load, sharpen_to
from training.losses import contrastive, distillation, relation
from training.measure import verification
from training.nets.encoder import Encoder
from training.nets.images import door


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one picture size. It ends by the clock, since that is what one has."""

    side: int
    minutes: float
    peak_rate: float
    last_rate: float
    batch: int = 64
    people: int = 12
    relation_weight: float = 0.0
    siamese_weight: float = 0.2
    weight_decay: float = 2e-4
    seed: int = 0


def to_input(pictures: PIXELS) -> Tensor:
    """Returns (B, 3, S, S) float32 in -1..1 of (B, S, S, 3) uint8, in channels-last memory."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return x.sub_(127.5).div_(127.5).contiguous(memory_format=torch.channels_last)


class Mean:
    """An exponential moving average of a net's weights: what is kept (Polyak averaging)."""

    def __init__(self, net: Encoder) -> None:
        self.net = door(dimension=net.dimension).to(memory_format=torch.channels_last)
        self.net.load_state_dict(net.state_dict())
        self.steps = 0

    @torch.no_grad()
    def update(self, net: Encoder) -> None:
        """Moves the average towards `net`; faster at first."""
        self.steps += 1
        keep = min(0.998, (1 + self.steps) / (10 + self.steps))
        pairs = zip(self.net.state_dict().values(), net.state_dict().values(), strict=True)
        mine, theirs = zip(*((a, b) for a, b in pairs if a.dtype.is_floating_point), strict=True)
        torch._foreach_lerp_(list(mine), list(theirs), 1 - keep)


@torch.no_grad()
def outputs(net: Encoder, pictures: PIXELS, side: int) -> Tensor:
    """Returns (N, D) of (N, 112, 112, 3) uint8, as grey and colour come."""
    net.eval()
    starts = range(0, len(pictures), 128)
    batches = ([shrink(picture, side) for picture in pictures[start : start + 128]] for start in starts)
    return torch.cat([net(to_input(np.stack(batch))) for batch in batches])


def embed(net: Encoder, pictures: PIXELS, side: int) -> NDArray[np.float32]:
    """Returns `outputs` as unit rows."""
    return np.asarray(F.normalize(outputs(net, pictures, side)).numpy(), np.float32)


def train(
    data: Path, run: Path, phase: Phase, *, start_from: Path | None, dimension: int = 256, processes: int = 2
) -> None:
    """Trains one phase and leaves `encoder.pt` (averaged weights), `state.pt` (to resume), `log.jsonl` in `run`."""
    if processes < 1 or phase.batch % processes or phase.people % processes:
        raise ValueError(f"{processes} processes cannot share {phase.batch} pictures with {phase.people} people evenly")
    run.mkdir(parents=True, exist_ok=True)
    (run / "phase.json").write_text(json.dumps(asdict(phase), indent=1))
    with tempfile.TemporaryDirectory() as folder:
        job = _Job(data, run, phase, start_from, dimension, processes, f"file://{folder}/meeting", os.getpid())
        torch.multiprocessing.spawn(_work, (job,), nprocs=processes)


@dataclass(frozen=True)
class _Job:
    """What every process is told."""

    data: Path
    run: Path
    phase: Phase
    start_from: Path | None
    dimension: int
    processes: int
    meeting: str  # where they find each other
    parent: int  # process id


def _work(rank: int, job: _Job) -> None:
    die_with(job.parent)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # on this machine only
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(job.phase.seed)
    torch.distributed.init_process_group("gloo", init_method=job.meeting, rank=rank, world_size=job.processes)
    faces = load(job.data)
    project = torch.from_numpy(sharpen_to(job.dimension, np.asarray(faces.teacher[faces.train], np.float32)))
    torch.distributed.broadcast(project, 0)  # an eigenvector may point either way
    net = door(dimension=job.dimension).to(memory_format=torch.channels_last)
    if job.start_from:
        net.load_state_dict(torch.load(job.start_from, weights_only=True))
    _Run(faces, project, net, job.phase, job.run).go()
    torch.distributed.destroy_process_group()


class _Run:
    """One process's part of a phase. The first one keeps the time, the averaged weights and the log."""

    def __init__(self, faces: Faces, project: Tensor, net: Encoder, phase: Phase, folder: Path) -> None:
        self.faces, self.project, self.net, self.phase, self.folder = faces, project, net, phase, folder
        self.rank, self.processes = torch.distributed.get_rank(), torch.distributed.get_world_size()
        self.mean = Mean(net)
        self.optimiser = torch.optim.SGD(
            net.parameters(), lr=0.0, momentum=0.9, nesterov=True, weight_decay=phase.weight_decay
        )
        self.step, self.spent = 0, 0.0
        if (folder / "state.pt").exists():
            self._resume(torch.load(folder / "state.pt", weights_only=True))

    def go(self) -> None:
        """Runs until the phase's minutes are spent; at once done if they are already."""
        budget = self.phase.minutes * 60
        if self.spent >= budget:
            return
        batches = Batches(
            self.faces,
            size=self.phase.batch // self.processes,
            people=self.phase.people // self.processes,
            side=self.phase.side,
            seed=(self.phase.seed, self.step, self.rank),
        )
        ready = in_background(batches.draw)
        began, looked = time.monotonic() - self.spent, self.spent
        parts: dict[str, float] = {}
        while self.spent < budget:
            parts = self._learn(
                *ready.get(), rate=schedule(self.spent / budget, self.phase.peak_rate, self.phase.last_rate)
            )
            self.step += 1
            self.spent = self._agreed(time.monotonic() - began)
            if self.rank:
                continue
            if self.step % 100 == 0:
                speed = self.step * self.phase.batch / self.spent
                print(f"{self.step:6d} {self.spent / 60:6.1f} min {speed:5.0f} img/s", parts, flush=True)
            if self.spent - looked > 600:
                looked = self.spent
                self.save(parts)
        if self.rank == 0:
            self.save(parts)

    def _agreed(self, seconds: float) -> float:
        """Returns what the first process says."""
        clock = torch.tensor([seconds], dtype=torch.float64)
        torch.distributed.broadcast(clock, 0)
        return float(clock)

    def _learn(self, rows: NDArray[np.int64], pictures: PIXELS, *, rate: float) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.net.train()
        teacher = torch.from_numpy(np.asarray(self.faces.teacher[rows], np.float32))
        labels = torch.from_numpy(self.faces.identity[rows])
        out = F.normalize(self.net(to_input(pictures)))
        named = labels >= 0
        losses = {
            "distil": distillation(out, F.normalize(teacher @ self.project)),
            "siamese": self.phase.siamese_weight * contrastive(out[named], labels[named]),
        }
        if self.phase.relation_weight:
            losses["relation"] = self.phase.relation_weight * relation(out, teacher)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self._average_gradients()
        self.optimiser.step()
        if self.rank == 0:
            self.mean.update(self.net)
        return {name: round(value.item(), 4) for name, value in losses.items()}

    def _average_gradients(self) -> None:
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        parts = flat.div_(self.processes).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def save(self, parts: dict[str, float]) -> None:
        """Writes weights, the state to resume from, and a line of the log with the validation figures."""
        save(self.mean.net.state_dict(), self.folder / "encoder.pt")
        state = {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict()}
        state |= {"mean": self.mean.net.state_dict(), "step": self.step, "spent": self.spent}
        save(state, self.folder / "state.pt")
        val = self.faces.val
        figures = verification(
            embed(self.mean.net, self.faces.pictures[val], self.phase.side), self.faces.identity[val]
        )
        line = {"step": self.step, "minutes": round(self.spent / 60, 1), **parts, **figures}
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        print(line, flush=True)

    def _resume(self, state: dict[str, object]) -> None:
        self.net.load_state_dict(state["net"])
        self.mean.net.load_state_dict(state["mean"])
        self.mean.steps = int(str(state["step"]))
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.spent = int(str(state["step"])), float(str(state["spent"]))


def save(weights: Mapping[str, object], path: Path) -> None:
    """Writes a file whole or not at all: a kill in between leaves the one before."""
    part = path.with_suffix(".part")
    torch.save(weights, part)
    part.replace(path)


def schedule(progress: float, peak: float, last: float) -> float:
    """Returns the learning rate: a short linear warm-up to `peak`, then half a cosine down to `last`."""
    if progress < 0.02:
        return peak * max(progress / 0.02, 0.01)
    return last + (peak - last) * 0.5 * (1 + math.cos(math.pi * (progress - 0.02) / 0.98))
