"""Training pictures for the detector: photographs with faces and faces cut out, scaled, turned, pasted onto others."""

from __future__ import annotations

import csv
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import TEMPLATE

PIXELS = NDArray[np.uint8]
SWAP = [1, 0, 2, 4, 3]  # left and right of the five landmarks change places in a mirror
CUT_OUT_BOX = np.array([16.0, 8.9, 95.7, 119.1], np.float32)
"""Where an aligned crop's box is, in its pixels: the median over the scenes' faces that look at the camera."""
CUT_OUTS = 0.4  # of what is pasted


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photograph with its faces."""

    name: str
    picture: PIXELS  # (H, W, 3) uint8 RGB
    boxes: NDArray[np.float32]  # (N, 4) x0, y0, x1, y1 pixels
    points: NDArray[np.float32]  # (N, 5, 2) pixels
    exact: bool = True  # each landmark is where it is; else the five are right only as a whole


class Drawn(NamedTuple):
    """A training picture with its faces."""

    picture: PIXELS  # (H, W, 3) uint8 RGB
    boxes: NDArray[np.float32]  # (N, 4) x0, y0, x1, y1 pixels
    points: NDArray[np.float32]  # (N, 5, 2) pixels
    exact: NDArray[np.bool_]  # (N,) see Scene


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


class Pictures(Protocol):
    """A sequence of pictures that may be on the disk."""

    def __len__(self) -> int:
        """Returns how many."""
        ...

    def __getitem__(self, number: int, /) -> PIXELS:
        """Returns one, (H, W, 3) uint8 RGB."""
        ...


class Composer:
    """Makes training pictures: a background, then one to three photographs on it, each at a scale of its own.

    Args:
        scenes: photographs with faces.
        backgrounds: photographs without.
        seed: of all that is drawn.
        crops: (N, 112, 112, 3) uint8 RGB aligned faces, to be cut out and pasted as well: far more people than the
            scenes show. They lie on the template, so where their landmarks are is known as a whole, not one by one.
    """

    def __init__(
        self, scenes: list[Scene], backgrounds: list[PIXELS], *, seed: int, crops: Pictures | None = None
    ) -> None:
        self._scenes, self._backgrounds, self._crops = scenes, backgrounds, crops
        self._random = np.random.default_rng(seed)
        cv2.setRNGSeed(seed)

    def draw(self, width: int, height: int) -> Drawn:
        """Returns a (height, width, 3) picture and its faces."""
        random = self._random
        canvas = self._background(width, height)
        boxes, points, exact = np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, bool)
        for _ in range(random.choice([0, 1, 2, 3], p=[0.06, 0.54, 0.25, 0.15])):
            scene, mask = self._photograph()
            matrix, mirrored = self._placement(scene, width, height)
            pasted, mask = (_warp(part, matrix, width, height) for part in (scene.picture, mask))
            cv2.copyTo(pasted, (mask > 127).view(np.uint8), canvas)
            open_sky = [not _covered(box, mask) for box in boxes]
            more_boxes, more_points = _move(scene, matrix, mirrored=mirrored)
            inside = _inside(more_boxes, width, height)
            boxes = np.vstack([boxes[open_sky], more_boxes[inside]])
            points = np.concatenate([points[open_sky], more_points[inside]])
            exact = np.concatenate([exact[open_sky], np.full(int(inside.sum()), scene.exact)])
        return Drawn(self._weather(canvas), boxes, points, exact)

    def _photograph(self) -> tuple[Scene, PIXELS]:
        """Returns what to paste next, and a mask of which of its pixels."""
        if self._crops is None or self._random.random() >= CUT_OUTS:
            scene = self._scenes[self._random.integers(len(self._scenes))]
            return scene, np.full(scene.picture.shape[:2], 255, np.uint8)
        picture = self._crops[int(self._random.integers(len(self._crops)))]
        boxes, points = CUT_OUT_BOX[None], TEMPLATE[None]
        return Scene("", picture, boxes, points, exact=False), self._cut_out(picture)

    def _cut_out(self, picture: PIXELS) -> PIXELS:
        """Returns the mask of a crop: never the same edges, or the net would find eyes by how far they are from them.

        What is black because it lay outside of the photograph is left out.
        """
        random = self._random
        mask = np.zeros(picture.shape[:2], np.uint8)
        left, right = random.uniform(0, 17), random.uniform(95, 112)
        top, bottom = random.uniform(0, 28), random.uniform(104, 112)
        if random.random() < 0.5:
            cv2.rectangle(mask, (int(left), int(top)), (int(right), int(bottom)), 255, -1)
        else:
            middle, axes = ((left + right) / 2, (top + bottom) / 2), (1.1 * (right - left), 1.1 * (bottom - top))
            cv2.ellipse(mask, (middle, axes, random.uniform(-10, 10)), 255, -1)
        count, parts = cv2.connectedComponents((picture.max(2) < 8).view(np.uint8))
        inside = np.full(count, 255, np.uint8)
        for edge in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
            inside[edge] = 0
        inside[0] = 255  # what is not black
        mask &= inside[parts]
        return mask

    def _background(self, width: int, height: int) -> PIXELS:
        random = self._random
        if random.random() < 0.3:
            return np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
        picture = self._backgrounds[random.integers(len(self._backgrounds))]
        return np.array(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    def _placement(self, scene: Scene, width: int, height: int) -> tuple[NDArray[np.float64], bool]:
        """Returns a matrix that gives one face of the scene a size, drawn evenly on a log scale, and a place.

        Half of the time the size is one that a door asks about.
        """
        random = self._random
        box = scene.boxes[random.integers(len(scene.boxes))]
        size = float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
        wanted = np.exp(random.uniform(np.log(random.choice([12, 0.2 * height])), np.log(0.85 * height)))
        zoom, angle = min(wanted / size, 4.0), np.radians(random.normal(0, 10))
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
            noise = cv2.randn(np.zeros(picture.shape, np.int16), (0, 0, 0), (random.uniform(2, 10),) * 3)
            picture = cv2.add(picture, noise, dtype=cv2.CV_8U)
        return np.asarray(picture, np.uint8)


def _warp(picture: PIXELS, matrix: NDArray[np.float64], width: int, height: int) -> PIXELS:
    """Returns `picture` under the (2, 3) `matrix`, without skipping pixels where it shrinks."""
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if zoom < 0.6:
        h, w = picture.shape[:2]
        size = max(1, round(w * zoom * 1.2)), max(1, round(h * zoom * 1.2))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        # numbers name the middles of pixels: p was (p + 1/2) w / width - 1/2 before
        x, y = w / size[0], h / size[1]
        matrix = matrix @ np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


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
