"""What the detector's grids should say, and how far they are from it.

Quality focal loss on the scores, IoU loss on boxes, L1 on landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

SIZES = {8: (0.0, 48.0), 16: (28.0, 128.0), 32: (72.0, 1e9)}
"""Which faces (square root of the box's area, pixels) each grid learns; they overlap, so that no size falls between."""

Labels = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]
"""Boxes, landmarks, whether these are exact, and whether the face is asked about, as in `scenes.Drawn`."""


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
            dy, dx = np.abs(ys - (b[1] + b[3]) / 2)[:, None], np.abs(xs - (b[0] + b[2]) / 2)[None, :]
            off, inside = np.maximum(dy, dx) / stride, (2 * dy < b[3] - b[1]) & (2 * dx < b[2] - b[0])
            if not whole:
                state[i][((off < 1) | inside) & (state[i] == 0)] = -1
                continue
            reach = 1.0 + 0.08 * size / stride
            if not low <= size < high:
                near = low / 1.4 <= size < high * 1.4
                state[i][(off < reach) & (state[i] == 0) & near] = -1
                continue
            state[i][(off < 1.6 * reach) & (state[i] == 0)] = -1
            # only a cell within the box can state it: distances to its sides are not negative
            chosen = (off < reach) & (inside | (off == off.min()))
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
    a, least = a.clamp(min=0), torch.minimum(a.clamp(min=0), b)
    overlap = (least[:, :2] + least[:, 2:]).clamp(min=0).prod(1)  # beside each other on one side: no area
    union = (a[:, :2] + a[:, 2:]).prod(1) + (b[:, :2] + b[:, 2:]).prod(1) - overlap
    hull = (torch.maximum(a, b)[:, :2] + torch.maximum(a, b)[:, 2:]).prod(1)
    iou = overlap / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def loss(maps: tuple[Tensor, ...], goals: Sequence[Targets]) -> dict[str, Tensor]:
    """Returns the parts of the loss of nine maps, each a mean over the cells of all grids that hold a face.

    Args:
        maps: of the net, in float32.
        goals: what the grid of each stride should say, on the same device.
    """
    parts: dict[str, list[Tensor]] = {"score": [], "box": [], "points": []}
    count = 0
    for level, goal in enumerate(goals):
        score, box, points = (m.permute(0, 2, 3, 1) for m in maps[3 * level : 3 * level + 3])
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
