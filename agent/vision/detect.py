"""Finds faces: a picture in, boxes with five landmarks out.

The model says at each cell of three grids whether a face's middle is there, the distances to its box's sides and the
offsets of the landmarks, all in cells (see `training/detector.py`). Cells that see the same face are averaged, weighted
by their scores: that is steadier than the best one alone, above all with the steps of int8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.types import Box, Face, Floats, Image
from agent.vision.model import Model, TensorSpec
from agent.vision.pixels import PixelTable

STRIDES = (8, 16, 32)
SAME_FACE_IOU = 0.4
MOST_CANDIDATES = 300
"""A wall of faces has fewer; merging takes milliseconds even for a model that sees one in every cell."""
_LOWEST_SCORE = 0.02
_OUTWARDS = np.array([[-1], [1]], np.float32)  # left and top, right and bottom


class _Grids:
    """The cells of all grids in one row, the finest grid first."""

    def __init__(self, height: int, width: int) -> None:
        self.shapes = [(-(-height // stride), -(-width // stride)) for stride in STRIDES]
        self.strides = self.spread(STRIDES)
        places = [np.mgrid[:rows, :columns].reshape(2, -1).T[:, ::-1] for rows, columns in self.shapes]
        self.middles: Floats = ((np.concatenate(places) + 0.5) * self.strides).astype(np.float32)  # (cells, 2)

    def spread(self, values: Sequence[float]) -> Floats:
        """Returns (cells, 1) of one value for each grid."""
        counts = [rows * columns for rows, columns in self.shapes]
        return np.repeat(np.array(values, np.float32), counts)[:, None]


class _Map:
    """One thing that the model says at every cell, in `count` numbers; real value = (stored - zero) * scale."""

    def __init__(self, specs: Sequence[TensorSpec], grids: _Grids, count: int) -> None:
        shapes, wanted = [spec.shape for spec in specs], [(1, *shape, count) for shape in grids.shapes]
        if not set(wanted) <= set(shapes):
            raise ModelError(f"not a detector: want outputs of {wanted}, got {shapes}")
        self._outputs, self._count = [shapes.index(shape) for shape in wanted], count
        mine = [specs[number] for number in self._outputs]
        self._zero = grids.spread([spec.zero_point if spec.scale else 0 for spec in mine])
        self._scale = grids.spread([spec.scale or 1 for spec in mine])

    def read(self, outputs: list[NDArray[Any]], cells: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Returns (N, count) real values of some cells."""
        stored = np.concatenate([outputs[number].reshape(-1, self._count) for number in self._outputs])
        return np.asarray((stored[cells].astype(np.float32) - self._zero[cells]) * self._scale[cells], np.float32)


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
        self._grids = _Grids(self._table.height, self._table.width)
        self._scores, self._sides, self._points = (_Map(model.outputs, self._grids, count) for count in (1, 4, 10))
        score = max(score_threshold, _LOWEST_SCORE)
        self._least_logit = float(np.log(score / (1 - score))) if score < 1 else np.inf

    def __call__(self, image: Image) -> list[Face]:
        """Returns the faces in (H, W, 3) uint8 RGB, the best first; boxes may reach beyond the edges."""
        small, scale = letterbox(image, self._table.width, self._table.height)
        outputs = self._model(self._table(small))
        logits = self._scores.read(outputs).ravel()
        cells = np.flatnonzero(logits >= self._least_logit)
        if not len(cells):
            return []
        cells = cells[np.argsort(-logits[cells], kind="stable")[:MOST_CANDIDATES]]
        middles, stride = self._grids.middles[cells, None], self._grids.strides[cells, None]
        sides = np.maximum(self._sides.read(outputs, cells), 0).reshape(-1, 2, 2) * stride
        points = middles + self._points.read(outputs, cells).reshape(-1, 5, 2) * stride
        boxes = (middles + sides * _OUTWARDS).reshape(-1, 4)
        x, y = (1 / scale).tolist()
        return [face.scaled(x, y) for face in merge(1 / (1 + np.exp(-logits[cells])), boxes, points)]


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
    low, high, said = boxes[:, :2], boxes[:, 2:], np.hstack([boxes, points.reshape(-1, 10)])
    area = np.maximum(high - low, 0).prod(1)
    faces, left = [], np.ones(len(scores), bool)
    while left.any():
        best = int(left.argmax())
        both = np.maximum(np.minimum(high, high[best]) - np.maximum(low, low[best]), 0).prod(1)
        same = left & (both > SAME_FACE_IOU * (area + area[best] - both))
        same[best] = True  # one without an area, too
        weight = scores[same] ** 2
        mean = (weight @ said[same] / weight.sum()).astype(np.float32)
        x0, y0, x1, y1 = mean[:4].tolist()
        faces.append(Face(Box(x0, y0, x1 - x0, y1 - y0), mean[4:].reshape(5, 2), float(scores[best])))
        left &= ~same
    return faces
