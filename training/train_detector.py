"""Trains the detector on composed pictures."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agent.vision.detect import Detector as Detect
from agent.vision.model import TensorSpec
from training.background import in_background
from training.compose import Composer
from training.detector import Detector, grow
from training.detector_loss import Labels, loss
from training.evaluation.detection import measure_detector
from training.loop.average import Average
from training.loop.learner import precision, to_input
from training.loop.pace import schedule
from training.loop.run import save
from training.scenes import Pictures, load_backgrounds, load_scenes

LOOK = 5.0
"""Minutes between two looks at the validation scenes."""


@dataclass(frozen=True)
class Plan:
    """How long, how fast, on pictures of which size."""

    minutes: float
    peak_rate: float = 0.1
    last_rate: float = 1e-3
    batch: int = 24
    width: int = 256
    height: int = 192
    weight_decay: float = 2e-4
    keep: float = 0.999  # of the averaged weights, each step
    seed: int = 0


def train(data: Path, crops: Pictures, run: Path, plan: Plan, *, start_from: Path | None = None) -> None:
    """Trains and leaves `detector.pt` (averaged weights) and `log.jsonl` in `run`.

    Args:
        data: the folder of the scenes and backgrounds.
        crops: aligned faces, see `Composer`.
        run: where to.
        plan: how.
        start_from: weights to begin with, of a net of this size or a smaller one.
    """
    run.mkdir(parents=True, exist_ok=True)
    (run / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    torch.manual_seed(plan.seed)
    torch.set_flush_denormal(True)
    net = Detector()
    if start_from:
        grow(net, torch.load(start_from, weights_only=True))
    learner = _Learner(net.to(memory_format=torch.channels_last).train(), plan)
    composer = Composer(load_scenes(data, "train"), load_backgrounds(data), seed=plan.seed, crops=crops)
    unseen = load_scenes(data, "val")
    ready = in_background(lambda: _draw(composer, plan))
    began, step, progress, looked = time.monotonic(), 0, 0.0, 0.0
    while progress < 1:
        parts = learner.learn(*ready.get(), rate=schedule(progress, plan.peak_rate, plan.last_rate))
        step += 1
        minutes = (time.monotonic() - began) / 60
        progress = minutes / plan.minutes
        line = {"step": step, "progress": round(progress, 3)} | {k: round(v.item(), 4) for k, v in parts.items()}
        look = minutes - looked > LOOK or progress >= 1
        if look:
            looked = minutes
            line |= measure_detector(unseen, Detect(FloatModel(learner.mean.net))).figures()
        if look or step % 100 == 0:
            print(line, flush=True)
            with (run / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            save(learner.mean.net.state_dict(), run / "detector.pt")


class _Learner:
    """A net, its average and its optimiser."""

    def __init__(self, net: Detector, plan: Plan) -> None:
        self.net, self.mean, self._plan = net, Average(net, plan.keep), plan
        self._optimiser = torch.optim.SGD(_groups(net, plan.weight_decay), lr=0.0, momentum=0.9, nesterov=True)

    def learn(self, pictures: NDArray[np.uint8], labels: list[Labels], *, rate: float) -> dict[str, Tensor]:
        """Takes one step; returns the parts of the loss."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        with precision(torch.device("cpu")):
            maps = self.net(to_input(pictures))
        parts = loss(tuple(each.float() for each in maps), labels, self._plan.height, self._plan.width)
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self._optimiser.step()
        self.mean.update(self.net)
        return parts


def _groups(net: Detector, decay: float) -> list[dict[str, object]]:
    """Returns the parameters in two groups: only weights of convolutions decay."""
    parts = [p for p in net.parameters() if p.dim() > 1], [p for p in net.parameters() if p.dim() == 1]
    return [{"params": part, "weight_decay": rate} for part, rate in zip(parts, (decay, 0.0), strict=True)]


def _draw(composer: Composer, plan: Plan) -> tuple[NDArray[np.uint8], list[Labels]]:
    drawn = [composer.draw(plan.width, plan.height) for _ in range(plan.batch)]
    return np.stack([d.picture for d in drawn]), [d[1:] for d in drawn]


class FloatModel:
    """The net as the agent's detector takes it (`agent.vision.model.Model`), in float, to look at it on the way."""

    SIZE = (1, 240, 320, 3)

    def __init__(self, net: Detector) -> None:
        self._net = net.eval()
        self.inputs = (_spec(self.SIZE),)
        self.outputs = tuple(_spec(output.shape) for output in self(np.zeros(self.SIZE, np.float32)))

    def __call__(self, *arrays: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Returns the nine maps, (1, H, W, C) float32."""
        with torch.inference_mode():
            maps = self._net(torch.from_numpy(arrays[0]).permute(0, 3, 1, 2))
        return [m.permute(0, 2, 3, 1).contiguous().numpy() for m in maps]


def _spec(shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec("", tuple(shape), np.dtype(np.float32), 0.0, 0)
