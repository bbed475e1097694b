"""Finds faces: a picture in, boxes with five landmarks out.

The model says at each cell of three grids whether a face's middle is there, the distances to its box's sides and the
offsets of the landmarks, all in cells (see `training/detector.py`). Cells that see the same face are averaged, weighted
by their scores: that is steadier than the best one alone, above all with the steps of int8.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from agent.errors import ModelError
from agent.types import Box, Face, Floats, Image
from agent.vision.model import Model
from agent.vision.pixels import PixelTable, real

STRIDES = (8, 16, 32)
SAME_FACE_IOU = 0.4
MOST_CANDIDATES = 300
"""A wall of faces has fewer; merging takes milliseconds even for a model that sees one in every cell."""
_LOWEST_SCORE = 0.02


class _Level(NamedTuple):
    """One grid: which outputs are its scores, boxes and landmarks, and the middles of its cells in model pixels."""

    stride: int
    score: int
    box: int
    points: int
    middles: Floats  # (cells, 2)


class Detector:
    """Finds the faces of one picture. Not for several threads at once.

    Args:
        model: a detector of ours: (1, H, W, 3) in, for each stride scores (.., 1), boxes (.., 4), landmarks (.., 10).
        score_threshold: 0..1, below which a face is none.

    Raises:
        ModelError: if the model is something else.
    """

    def __init__(self, model: Model, *, score_threshold: float = 0.5) -> None:
        if len(model.inputs) != 1 or len(model.outputs) != 3 * len(STRIDES):
            raise ModelError(f"not a detector: want 1 input, 9 outputs; got {len(model.inputs)}, {len(model.outputs)}")
        self._model = model
        self._table = PixelTable(model.inputs[0])
        self._levels = [self._level(stride) for stride in STRIDES]
        score = max(score_threshold, _LOWEST_SCORE)
        self._least_logit = float(np.log(score / (1 - score))) if score < 1 else np.inf

    def __call__(self, image: Image) -> list[Face]:
        """Returns the faces in (H, W, 3) uint8 RGB, the best first; boxes may reach beyond the edges."""
        small, scale = letterbox(image, self._table.width, self._table.height)
        outputs = self._model(self._table(small))
        found = [some for level in self._levels if (some := self._candidates(level, outputs))]
        if not found:
            return []
        scores, boxes, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:MOST_CANDIDATES]
        x, y = (1 / scale).tolist()
        return [face.scaled(x, y) for face in merge(scores[order], boxes[order], points[order])]

    def _level(self, stride: int) -> _Level:
        rows, columns = -(-self._table.height // stride), -(-self._table.width // stride)
        shapes = [spec.shape for spec in self._model.outputs]
        try:
            score, box, points = (shapes.index((1, rows, columns, n)) for n in (1, 4, 10))
        except ValueError:
            raise ModelError(
                f"not a detector: no outputs of (1, {rows}, {columns}, 1 / 4 / 10); got {shapes}"
            ) from None
        ys, xs = np.mgrid[:rows, :columns]
        middles = (np.stack([xs.ravel(), ys.ravel()], 1) + 0.5) * stride
        return _Level(stride, score, box, points, middles.astype(np.float32))

    def _candidates(self, level: _Level, outputs: list[Floats]) -> tuple[Floats, Floats, Floats] | None:
        """Returns scores (N,), boxes (N, 4) x0 y0 x1 y1 and landmarks (N, 5, 2) in model pixels; None for N = 0."""
        specs = self._model.outputs
        logits = real(outputs[level.score], specs[level.score]).ravel()
        chosen = np.flatnonzero(logits >= self._least_logit)
        if not len(chosen):
            return None
        middles = level.middles[chosen]
        sides = real(outputs[level.box].reshape(-1, 4)[chosen], specs[level.box]).clip(min=0) * level.stride
        boxes = np.hstack([middles - sides[:, :2], middles + sides[:, 2:]])
        offsets = real(outputs[level.points].reshape(-1, 5, 2)[chosen], specs[level.points]) * level.stride
        return 1 / (1 + np.exp(-logits[chosen])), boxes, offsets + middles[:, None]


def letterbox(image: Image, width: int, height: int) -> tuple[Image, Floats]:
    """Returns the picture at (height, width), its shape kept but for rounding, black to the right or below.

    And (2,) the scale used in x and y. Numbers name the middles of pixels: p becomes (p + 1/2) scale - 1/2.
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    used = np.array((size[0] / image.shape[1], size[1] / image.shape[0]), np.float32)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if small.shape[:2] == (height, width):
        return np.asarray(small, np.uint8), used
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, used


def merge(scores: Floats, boxes: Floats, points: Floats) -> list[Face]:
    """Returns one face per group of overlapping candidates: their mean, weighted by score.

    Args:
        scores: (N,) in falling order.
        boxes: (N, 4) x0 y0 x1 y1.
        points: (N, 5, 2).
    """
    faces, left = [], np.ones(len(scores), bool)
    while left.any():
        best = int(np.argmax(left))
        same = left & (overlap(boxes[best], boxes) > SAME_FACE_IOU)
        same[best] = True  # one without an area, too
        weight = scores[same] ** 2
        weight /= weight.sum()
        x0, y0, x1, y1 = (weight @ boxes[same]).tolist()
        marks = (weight @ points[same].reshape(-1, 10)).reshape(5, 2).astype(np.float32)
        faces.append(Face(Box(x0, y0, x1 - x0, y1 - y0), marks, float(scores[best])))
        left &= ~same
    return faces


def overlap(a: Floats, b: Floats) -> Floats:
    """Returns the intersection over union of boxes (..., 4) with others, as far as numpy broadcasts them."""
    both = _area(np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:]))
    union = _area(a[..., :2], a[..., 2:]) + _area(b[..., :2], b[..., 2:]) - both
    return np.asarray(both / np.maximum(union, 1e-9), np.float32)


def _area(low: Floats, high: Floats) -> Floats:
    width, height = (high - low).clip(min=0).T  # of any number of boxes
    return np.asarray(width * height, np.float32).T
