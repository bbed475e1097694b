"""Photographs with faces and without, as `prepare` finds them in the data folder, and faces to cut out."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import SIZE, align
from training.data.collection import Collection, load, read_index
from training.data.errors import DataError
from training.data.lazy import Chained, Lazy
from training.data.leaks import near_duplicates

log = logging.getLogger(__name__)

PIXELS = NDArray[np.uint8]
TABLE = "faces.csv"
SPLITS = ("train", "val")
PHOTOGRAPHS = ("scenes.zip", "backgrounds.zip")
"""With faces, and without."""
PARTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
LEAST_ALIKE = 30  # pixels of a face's width; of smaller ones too little is left to tell two photographs apart


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
        DataError: there are none, what is there cannot be read, or a photograph is in both splits.
    """
    table = folder / TABLE
    rows = _by_photograph(table)[split]
    if not rows:
        raise DataError(f"{table}: no row whose column `split` says {split}")
    with opened_zip(folder / PHOTOGRAPHS[0]) as archive:
        return [_scene(name, _picture(archive, name), faces, table) for name, faces in rows.items()]


def _by_photograph(table: Path) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Returns the rows of each photograph, by its split."""
    found: dict[str, dict[str, list[dict[str, str]]]] = {split: defaultdict(list) for split in SPLITS}
    splits: dict[str, str] = {}
    for number, row in enumerate(read_index(table), 2):
        name, split = row["file"], row.get("split") or ""
        if split not in SPLITS:
            raise DataError(f"{table}: row {number}: split is {' or '.join(SPLITS)}, not {split!r}")
        if splits.setdefault(name, split) != split:
            raise DataError(f"{table}: row {number}: {name} is in both splits: it is in one, with all its faces")
        found[split][name].append(row)
    return found


def load_backgrounds(folder: Path) -> list[PIXELS]:
    """Returns the photographs without faces.

    Raises:
        DataError: they cannot be read, or there are none.
    """
    with opened_zip(folder / PHOTOGRAPHS[1]) as archive:
        names = [name for name in sorted(archive.namelist()) if not name.endswith("/")]
        if not names:
            raise DataError(f"{archive.filename}: holds no photograph: want one at least, without anybody on it")
        return [_picture(archive, name) for name in names]


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
    except (KeyError, EOFError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile, cv2.error) as error:
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
    if not np.isfinite(numbers).all() or not (numbers[:, 2:4] > 0).all():
        raise DataError(f"{table}: {name}: a row has something not a number, or a box without width or height")
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


class Crops(Lazy):
    """The training pictures of all faces as a sequence, each read from the disk when asked for."""

    def __init__(self, faces: Collection) -> None:
        self._faces = faces

    def __len__(self) -> int:
        return len(self._faces.train)

    def at(self, index: int) -> PIXELS:
        """Returns one, (112, 112, 3) uint8 RGB.

        Raises:
            DataError: it is of another size: no aligned face.
        """
        picture = np.asarray(self._faces.samples[int(self._faces.train[index])])
        if picture.shape != (SIZE, SIZE, 3):
            height, width = picture.shape[:2]
            raise DataError(
                f"a face to cut out is {width}x{height}: want aligned ones of {SIZE}x{SIZE}, as `pack` makes"
            )
        return picture


class Shown(NamedTuple):
    """What a detector learns from, and what it is validated on."""

    scenes: list[Scene]
    faces: Collection  # whose training pictures are cut out
    unseen: list[Scene]


def load_shown(folder: Path, work: Path) -> Shown:
    """Returns both splits of `scenes/` and the faces of `work`, less whatever training shows of validation.

    Raises:
        DataError: they cannot be read, or nothing is left.
    """
    if not work.exists():
        raise DataError(f"{work}: no faces to paste: prepare them first, or say with --work where they are")
    scenes, unseen, faces = load_scenes(folder, "train"), load_scenes(folder, "val"), load(work)
    owners, aligned = _aligned(scenes)
    alike = near_duplicates(Chained([Crops(faces), aligned]), _aligned(unseen)[1])
    count, found = len(faces.train), {pair.first for pair in alike}
    crops = sorted(found & set(range(count)))
    photographs = {owners[number - count] for number in found.difference(crops)}
    if found:
        told = "%d faces to cut out and %d photographs show what is validated on: left out of training"
        log.warning(told, len(crops), len(photographs))
    scenes = [scene for number, scene in enumerate(scenes) if number not in photographs]
    faces = replace(faces, train=np.delete(faces.train, crops))
    if not scenes or not len(faces.train):
        raise DataError(
            f"{folder} and {work}: {len(scenes)} photographs and {len(faces.train)} faces to cut out are left to learn "
            "from, apart from what is validated on: want some of both"
        )
    return Shown(scenes, faces, unseen)


def _aligned(scenes: Sequence[Scene]) -> tuple[list[int], list[PIXELS]]:
    """Returns the larger faces, aligned by their annotation, and for each the number of its photograph."""
    owners, crops = [], []
    for number, scene in enumerate(scenes):
        for box, points in zip(scene.boxes, scene.points, strict=True):
            if box[2] - box[0] >= LEAST_ALIKE:
                owners.append(number)
                crops.append(align(scene.picture, points))
    return owners, crops
