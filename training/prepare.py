"""Unpacks the aligned faces into one array and asks the reference encoders what they make of each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.data.archive import INDEX, load_archives
from training.data.collection import read_index
from training.data.errors import DataError
from training.data.reference import MAPS, TEACHER, read_array, write
from training.data.room import array_on_disk
from training.data.teacher import ask
from training.writing import writing


def prepare(data: Path, work: Path) -> None:
    """Writes faces.npy, index.csv, teacher.npy and maps.npy into `work`; what is there already is kept.

    Args:
        data: the folder with `faces/` and `reference/`.
        work: about 3 GB for 63,000 faces.

    Raises:
        DataError: the data are not there or damaged, or `work` was made of other pictures.
        RunError: there is no room for the index.
    """
    if not (data / "faces" / INDEX).is_file():
        raise DataError(f"{data}: no faces/{INDEX} in it: name the folder with faces/ and reference/ with --data")
    if work.resolve() == (data / "faces").resolve():
        raise DataError(f"{work}: the pictures themselves lie there: name a new folder")
    if (work / INDEX).exists() or (work / "faces.npy").exists():  # `pack` writes an index as well
        _refuse_others(data / "faces" / INDEX, work)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{work}: no folder can be made there: {error.strerror}; name another place") from error
    if (work / "faces.npy").exists():
        _copy_index(data / "faces", work)
    else:
        _unpack(data / "faces", work)
    if not (work / TEACHER).exists() or not (work / MAPS).exists():
        faces = cast("Sequence[NDArray[np.uint8]]", read_array(work / "faces.npy"))
        write(faces, work, ask(data / "reference"))


def _refuse_others(index: Path, work: Path) -> None:
    """Does nothing if faces.npy was made of what the index names, in its order: else all labels would shift."""
    now, before = ([(row["file"], row.get("shard")) for row in read_index(file)] for file in (index, work / INDEX))
    if now != before:
        raise DataError(f"{work} was made of other pictures than {index} names: name a new folder, or remove this one")


def _unpack(folder: Path, work: Path) -> None:
    pictures = load_archives(folder).samples
    part = work / "faces.part"
    faces = array_on_disk(part, np.uint8, (len(pictures), 112, 112, 3))
    try:
        _fill(faces, pictures, folder)
    except DataError:
        part.unlink()  # gigabytes
        raise
    faces.flush()
    _copy_index(folder, work)
    part.rename(work / "faces.npy")


def _copy_index(folder: Path, work: Path) -> None:
    with writing(work / INDEX) as part:
        shutil.copyfile(folder / INDEX, part)


def _fill(faces: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]], folder: Path) -> None:
    for i, picture in enumerate(track(pictures, "unpacking faces")):
        if picture.shape != faces.shape[1:]:
            raise DataError(f"{folder}: picture {i} is {picture.shape[1]}x{picture.shape[0]}, not 112x112")
        faces[i] = picture
