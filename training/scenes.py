"""Photographs with faces and without, as `prepare` finds them in the data folder."""

from __future__ import annotations

import csv
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.collection import Collection

PIXELS = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photograph with its faces."""

    name: str
    picture: PIXELS  # (H, W, 3) uint8 RGB
    boxes: NDArray[np.float32]  # (N, 4) x0, y0, x1, y1 pixels
    points: NDArray[np.float32]  # (N, 5, 2) pixels
    exact: bool = True  # each landmark is where it is; else the five are right only as a whole


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


class Crops:
    """The training pictures of all faces as a sequence, each read from the disk when asked for."""

    def __init__(self, faces: Collection) -> None:
        self._faces = faces

    def __len__(self) -> int:
        return len(self._faces.train)

    def __getitem__(self, number: int) -> PIXELS:
        return np.asarray(self._faces.samples[int(self._faces.train[number])])
