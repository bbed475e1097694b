"""Whole photographs with faces as training pictures for the detector: scaled, turned, mirrored, pasted onto others."""

from __future__ import annotations

import csv
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PIXELS = NDArray[np.uint8]
SWAP = [1, 0, 2, 4, 3]  # left and right of the five landmarks change places in a mirror


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photograph with its faces."""

    name: str
    picture: PIXELS  # (H, W, 3) uint8 RGB
    boxes: NDArray[np.float32]  # (N, 4) x0, y0, x1, y1 pixels
    points: NDArray[np.float32]  # (N, 5, 2) pixels


def load_scenes(folder: Path, split: str) -> list[Scene]:
    """Returns the photographs of one split of `scenes/`."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "faces.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == split:
                rows[row["file"]].append(row)
    with zipfile.ZipFile(folder / "scenes.zip") as archive:
        return [_scene(name, archive.read(name), faces) for name, faces in rows.items()]


def load_backgrounds(folder: Path) -> list[PIXELS]:
    """Returns the photographs without faces."""
    with zipfile.ZipFile(folder / "backgrounds.zip") as archive:
        return [_decode(archive.read(name)) for name in sorted(archive.namelist()) if not name.endswith("/")]


def _decode(data: bytes) -> PIXELS:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _scene(name: str, data: bytes, rows: list[dict[str, str]]) -> Scene:
    boxes = [[float(r["x"]), float(r["y"]), float(r["x"]) + float(r["w"]), float(r["y"]) + float(r["h"])] for r in rows]
    parts = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    points = [[[float(r[f"{p}_x"]), float(r[f"{p}_y"])] for p in parts] for r in rows]
    return Scene(name, _decode(data), np.array(boxes, np.float32), np.array(points, np.float32))


class Composer:
    """Makes training pictures: a background, then one to three photographs on it, each at a scale of its own."""

    def __init__(self, scenes: list[Scene], backgrounds: list[PIXELS], *, seed: int) -> None:
        self._scenes, self._backgrounds = scenes, backgrounds
        self._random = np.random.default_rng(seed)

    def draw(self, width: int, height: int) -> tuple[PIXELS, NDArray[np.float32], NDArray[np.float32]]:
        """Returns a (height, width, 3) picture, its (N, 4) boxes and (N, 5, 2) landmarks."""
        random = self._random
        canvas = self._background(width, height)
        boxes, points = np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32)
        for _ in range(random.choice([0, 1, 2, 3], p=[0.06, 0.54, 0.25, 0.15])):
            scene = self._scenes[random.integers(len(self._scenes))]
            matrix, mirrored = self._placement(scene, width, height)
            mask = cv2.warpAffine(np.full(scene.picture.shape[:2], 255, np.uint8), matrix, (width, height))
            pasted = cv2.warpAffine(scene.picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
            canvas = np.where((mask > 127)[..., None], pasted, canvas)
            open_sky = [not _covered(box, mask) for box in boxes]
            boxes, points = boxes[open_sky], points[open_sky]
            more_boxes, more_points = _move(scene, matrix, mirrored=mirrored)
            inside = _inside(more_boxes, width, height)
            boxes, points = np.vstack([boxes, more_boxes[inside]]), np.concatenate([points, more_points[inside]])
        return self._weather(canvas), boxes, points

    def _background(self, width: int, height: int) -> PIXELS:
        random = self._random
        if random.random() < 0.3:
            return np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
        picture = self._backgrounds[random.integers(len(self._backgrounds))]
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    def _placement(self, scene: Scene, width: int, height: int) -> tuple[NDArray[np.float64], bool]:
        """Returns a matrix that gives one face of the scene a size drawn evenly on a log scale, somewhere inside."""
        random = self._random
        box = scene.boxes[random.integers(len(scene.boxes))]
        size = float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
        wanted = np.exp(random.uniform(np.log(12), np.log(0.85 * height)))
        zoom, angle = min(wanted / size, 4.0), np.radians(random.normal(0, 8))
        mirrored = bool(random.random() < 0.5)
        cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
        turn = np.array([[-cos if mirrored else cos, -sin], [-sin if mirrored else sin, cos]])
        reach = 0.45 * wanted
        target = [random.uniform(min(reach, w / 2), max(w - reach, w / 2)) for w in (width, height)]
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        return np.column_stack([turn, np.array(target) - turn @ middle]), mirrored

    def _weather(self, picture: PIXELS) -> PIXELS:
        random = self._random
        if random.random() < 0.3:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if random.random() < 0.7:
            gain, gamma, lift = np.exp(random.normal(0, 0.25)), np.exp(random.normal(0, 0.25)), random.normal(0, 10)
            table = np.clip(255 * (np.arange(256) / 255) ** gamma * gain + lift, 0, 255).astype(np.uint8)
            picture = cv2.LUT(picture, table)
        if random.random() < 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.6))
        if random.random() < 0.3:
            noise = random.normal(0, random.uniform(2, 10), picture.shape)
            picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
        return np.asarray(picture, np.uint8)


def _covered(box: NDArray[np.float32], mask: PIXELS) -> bool:
    x0, y0, x1, y1 = np.clip(box, 0, None).astype(int)
    part = mask[y0:y1, x0:x1]
    return bool(part.size == 0 or (part > 127).mean() > 0.15)


def _move(
    scene: Scene, matrix: NDArray[np.float64], *, mirrored: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the scene's boxes (upright, same shape, turned about their middles) and landmarks after `matrix`."""
    zoom = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    middles = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    halves = (scene.boxes[:, 2:] - scene.boxes[:, :2]) / 2 * zoom
    points = scene.points @ matrix[:, :2].T + matrix[:, 2]
    points = points[:, SWAP] if mirrored else points
    return np.hstack([middles - halves, middles + halves]).astype(np.float32), points.astype(np.float32)


def _inside(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    """Returns which boxes are large enough to learn from and at least two thirds in the picture."""
    cut = np.clip(boxes, 0, [width, height, width, height])
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1])
    return np.asarray((kept > area * 2 / 3) & (area > 8 * 8))
