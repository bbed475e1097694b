"""Photographs with faces and without, as `prepare` finds them in the data folder."""

from __future__ import annotations

import zipfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.collection import Collection, read_index
from training.data.errors import DataError

PIXELS = NDArray[np.uint8]
TABLE = "faces.csv"
PHOTOGRAPHS = ("scenes.zip", "backgrounds.zip")
"""With faces, and without."""
PARTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")


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
    whole: NDArray[np.bool_]  # (N,) seen well enough to be asked about; the others are neither faces nor none


def load_scenes(folder: Path, split: str) -> list[Scene]:
    """Returns the photographs of one split of `scenes/`.

    Raises:
        DataError: there are none, or what is there cannot be read.
    """
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    table = folder / TABLE
    for row in read_index(table):
        if row.get("split") == split:
            rows[row["file"]].append(row)
    if not rows:
        raise DataError(f"{table}: no row whose column `split` says {split}")
    with opened_zip(folder / PHOTOGRAPHS[0]) as archive:
        return [_scene(name, _picture(archive, name), faces, table) for name, faces in rows.items()]


def load_backgrounds(folder: Path) -> list[PIXELS]:
    """Returns the photographs without faces.

    Raises:
        DataError: they cannot be read.
    """
    with opened_zip(folder / PHOTOGRAPHS[1]) as archive:
        return [_picture(archive, name) for name in sorted(archive.namelist()) if not name.endswith("/")]


def opened_zip(path: Path) -> zipfile.ZipFile:
    """Returns an archive of photographs, open.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read as a zip file: {error}") from error


def _picture(archive: zipfile.ZipFile, name: str) -> PIXELS:
    try:
        picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR)
    except (KeyError, OSError, zlib.error, zipfile.BadZipFile, cv2.error) as error:
        raise DataError(f"{archive.filename}: {name} is not in it, or damaged: {error}") from error
    if picture is None:
        raise DataError(f"{archive.filename}: {name} is no picture")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _scene(name: str, picture: PIXELS, rows: list[dict[str, str]], table: Path) -> Scene:
    columns = ["x", "y", "w", "h", *(f"{part}_{axis}" for part in PARTS for axis in "xy")]
    try:
        numbers = np.array([[float(row[column]) for column in columns] for row in rows], np.float32)
    except KeyError as error:
        raise DataError(f"{table}: no column {error}") from None
    except ValueError as error:
        raise DataError(f"{table}: {name}: {error}") from None
    boxes, points = np.split(numbers, [4], axis=1)
    return Scene(name, picture, np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]), points.reshape(-1, 5, 2))


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
