"""Trains the detector on composed pictures: quality focal loss on the grids, IoU loss on boxes, L1 on landmarks."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

import agent.vision.detect
from agent.vision.model import TensorSpec
from training.background import in_background
from training.compose import Composer, Pictures
from training.detector import STRIDES, Detector
from training.evaluate import evaluate_detector
from training.scenes import load_backgrounds, load_scenes
from training.train_encoder import save, schedule, to_input

SIZES = {8: (0.0, 48.0), 16: (28.0, 128.0), 32: (72.0, 1e9)}
"""Which faces (square root of the box's area, pixels) each grid learns; they overlap, so that no size falls between."""

LOOK = 5.0
"""Minutes between two looks at the validation scenes."""

Labels = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]
"""Boxes, landmarks, whether these are exact, and whether the face is asked about, as in `scenes.Drawn`."""


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
    half: bool = True  # bfloat16, for processors that have it (AVX-512); others are many times slower with it
    seed: int = 0


class Targets(NamedTuple):
    """What one grid should say."""

    state: Tensor  # (B, H, W): 1 face, 0 none, -1 not asked
    box: Tensor  # (B, H, W, 4) cells, from the cell's middle to the left, top, right, bottom
    points: Tensor  # (B, H, W, 10) cells, relative to the cell's middle
    exact: Tensor  # (B, H, W) bool: each landmark is meant, not only the five as a whole
    size: Tensor  # (B, H, W) of the face, cells


def targets(labels: list[Labels], stride: int, height: int, width: int) -> Targets:
    """Returns what the grid of one stride should say about pictures with these faces."""
    rows, columns = -(-height // stride), -(-width // stride)
    state = np.zeros((len(labels), rows, columns), np.float32)
    box = np.zeros((len(labels), rows, columns, 4), np.float32)
    points = np.zeros((len(labels), rows, columns, 10), np.float32)
    exact = np.zeros((len(labels), rows, columns), bool)
    xs, ys = (np.arange(columns) + 0.5) * stride, (np.arange(rows) + 0.5) * stride
    low, high = SIZES[stride]
    for i, faces in enumerate(labels):
        for b, p, each, whole in zip(*faces, strict=True):
            size = float(np.sqrt((b[2] - b[0]) * (b[3] - b[1])))
            off = np.maximum(
                np.abs(ys - (b[1] + b[3]) / 2)[:, None] / stride, np.abs(xs - (b[0] + b[2]) / 2)[None, :] / stride
            )
            if not whole:
                inside = (np.abs(ys - (b[1] + b[3]) / 2) < (b[3] - b[1]) / 2)[:, None] & (
                    np.abs(xs - (b[0] + b[2]) / 2) < (b[2] - b[0]) / 2
                )
                state[i][((off < 1) | inside) & (state[i] == 0)] = -1
                continue
            reach = 1.0 + 0.08 * size / stride
            if not low <= size < high:
                near = low / 1.4 <= size < high * 1.4
                state[i][(off < reach) & (state[i] == 0) & near] = -1
                continue
            state[i][(off < 1.6 * reach) & (state[i] == 0)] = -1
            chosen = off < reach
            state[i][chosen] = 1
            r, c = np.nonzero(chosen)
            box[i, r, c] = np.stack([xs[c] - b[0], ys[r] - b[1], b[2] - xs[c], b[3] - ys[r]], 1) / stride
            middles = np.stack([xs[c], ys[r]], 1)[:, None]
            points[i, r, c] = ((p[None] - middles) / stride).reshape(-1, 10)
            exact[i, r, c] = each
    size = box.sum(-1) / 2
    return Targets(*(torch.from_numpy(part) for part in (state, box, points, exact, size)))


def misalignment(error: Tensor, points: Tensor) -> Tensor:
    """Returns the part of an error in the landmarks that moves, turns or scales the aligned crop.

    It is what the least-squares similarity makes of it (`agent.vision.align`): the error's projection onto the four
    directions in which a similarity can move the points.

    Args:
        error: (N, 5, 2) found minus true landmarks.
        points: (N, 5, 2) true landmarks.
    """
    shift = error.mean(1, keepdim=True)
    arm = points - points.mean(1, keepdim=True)
    side = torch.stack([-arm[..., 1], arm[..., 0]], -1)
    spread = arm.pow(2).sum((1, 2), keepdim=True).clamp(min=1e-6)
    scale, turn = ((error * part).sum((1, 2), keepdim=True) / spread for part in (arm, side))
    return shift + scale * arm + turn * side


def box_iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns IoU and generalised IoU (Rezatofighi et al. 2019) of (N, 4) distances left, top, right, bottom."""
    a = a.clamp(min=0)
    overlap = (torch.minimum(a, b)[:, :2] + torch.minimum(a, b)[:, 2:]).prod(1)
    union = (a[:, :2] + a[:, 2:]).prod(1) + (b[:, :2] + b[:, 2:]).prod(1) - overlap
    hull = (torch.maximum(a, b)[:, :2] + torch.maximum(a, b)[:, 2:]).prod(1)
    iou = overlap / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def loss(maps: tuple[Tensor, ...], labels: list[Labels], height: int, width: int) -> dict[str, Tensor]:
    """Returns the parts of the loss of nine maps, each a mean over the cells of all grids that hold a face."""
    parts: dict[str, list[Tensor]] = {"score": [], "box": [], "points": []}
    count = 0
    for level, stride in enumerate(STRIDES):
        score, box, points = (m.permute(0, 2, 3, 1) for m in maps[3 * level : 3 * level + 3])
        goal = targets(labels, stride, height, width)
        face = goal.state == 1
        count += int(face.sum())
        iou, giou = box_iou(box[face], goal.box[face])
        quality = goal.state.clamp(min=0)
        quality[face] = iou.detach().clamp(0.3, 1).sqrt()
        parts["score"].append(_quality_focal(score[..., 0], quality)[goal.state >= 0].sum())
        parts["box"].append(2 * (1 - giou).sum())
        size = goal.size[face].clamp(min=1)
        error = (points[face] - goal.points[face]).reshape(-1, 5, 2)
        moved = misalignment(error, goal.points[face].reshape(-1, 5, 2))
        each = error.abs().mean((1, 2)) * goal.exact[face]
        parts["points"].append((12 * (each + moved.abs().mean((1, 2))) / size).sum())
    return {name: torch.stack(values).sum() / max(count, 1) for name, values in parts.items()}


def _quality_focal(logit: Tensor, goal: Tensor) -> Tensor:
    """Quality focal loss (Li et al. 2020): the score learns the IoU of its own box."""
    return (logit.sigmoid() - goal).abs().pow(2) * F.binary_cross_entropy_with_logits(logit, goal, reduction="none")


def grow(net: Detector, weights: dict[str, Tensor]) -> None:
    """Fills a net with the weights of one that has fewer channels or layers, so that it says the same.

    What is old lies in the corner of what is new. Nobody listens to the new channels at first (Net2Net, Chen et al.
    2016), nor to a new map that is added to an old one; a new branch of a head begins as its sibling.
    """
    state = net.state_dict()
    for name, value in state.items():
        old = weights.get(name, weights.get(name.replace(".marks.", ".shared.")))
        if old is None:
            if name.startswith("wide.1.") and name.endswith(("weight", "bias")):
                value.zero_()
            continue
        corner = tuple(slice(0, size) for size in old.shape)
        if old.dim() == 4 and value.shape[1] > old.shape[1]:
            value[: old.shape[0], old.shape[1] :] = 0
        value[corner] = old.to(value.dtype)
    net.load_state_dict(state)


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
    net, mean = Detector(), Detector()
    if start_from:
        grow(net, torch.load(start_from, weights_only=True))
    mean.load_state_dict(net.state_dict())
    net.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(_groups(net, plan.weight_decay), lr=0.0, momentum=0.9, nesterov=True)
    composer = Composer(load_scenes(data, "train"), load_backgrounds(data), seed=plan.seed, crops=crops)
    ready = in_background(lambda: _draw(composer, plan))
    began, step, progress, looked = time.monotonic(), 0, 0.0, 0.0
    while progress < 1:
        pictures, labels = ready.get()
        for group in optimiser.param_groups:
            group["lr"] = schedule(progress, plan.peak_rate, plan.last_rate)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
            maps = net(to_input(pictures))
        parts = loss(tuple(m.float() for m in maps), labels, plan.height, plan.width)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimiser.step()
        step += 1
        minutes = (time.monotonic() - began) / 60
        progress = minutes / plan.minutes
        _average(mean, net, step, plan.keep)
        line = {"step": step, "progress": round(progress, 3)} | {k: round(v.item(), 4) for k, v in parts.items()}
        if minutes - looked > LOOK or progress >= 1:
            looked = minutes
            line |= evaluate_detector(data, agent.vision.detect.Detector(FloatModel(mean)))
        if step % 100 == 0 or len(line) > 5:
            print(line, flush=True)
            with (run / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            save(mean.state_dict(), run / "detector.pt")


def _groups(net: Detector, decay: float) -> list[dict[str, object]]:
    """Returns the parameters in two groups: only weights of convolutions decay."""
    parts = [p for p in net.parameters() if p.dim() > 1], [p for p in net.parameters() if p.dim() == 1]
    return [{"params": part, "weight_decay": rate} for part, rate in zip(parts, (decay, 0.0), strict=True)]


@torch.no_grad()
def _average(mean: Detector, net: Detector, step: int, most: float) -> None:
    keep = min(most, (1 + step) / (10 + step))
    for mine, theirs in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - keep)
        else:
            mine.copy_(theirs)


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
