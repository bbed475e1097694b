"""What the reference encoders say of pictures, kept beside them: row i of each file is about picture i."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.errors import DataError
from training.data.room import array_on_disk

TEACHER = "teacher.npy"
MAPS = "maps.npy"
Ask = Callable[[Sequence[NDArray[np.uint8]], Path], NDArray[np.float16]]
"""Aligned pictures in, (N, T) unit rows out; maps are written into the file, see `training.data.teacher.label`."""


def read(folder: Path, count: int) -> NDArray[np.float16] | None:
    """Returns (count, T) unit rows of the pictures in a folder, None where nobody has asked.

    Raises:
        DataError: a file is damaged, or about other pictures than these.
    """
    found = {name: read_array(folder / name) for name in (TEACHER, MAPS) if (folder / name).exists()}
    for name, rows in found.items():
        if len(rows) != count:
            raise DataError(
                f"{folder / name} is about {len(rows)} pictures, and {count} are here: they were packed again since; "
                f"ask once more: python -m training label {folder} --reference DIR"
            )
    return found.get(TEACHER)


def read_array(file: Path) -> NDArray[Any]:
    """Returns what is in a .npy file, mapped.

    Raises:
        DataError: it is damaged.
    """
    try:
        return np.asanyarray(np.load(file, mmap_mode="r"))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: no array that can be read, damaged or cut off: {error}") from error


def write(pictures: Sequence[NDArray[np.uint8]], folder: Path, ask: Ask) -> NDArray[np.float16]:
    """Asks about every picture, writes the answers into the folder, whole or not at all, and returns the rows.

    Raises:
        DataError: the disk is too full, or nobody can be asked.
    """
    (folder / MAPS).unlink(missing_ok=True)  # whoever is asked now may give none
    rows = ask(pictures, folder / MAPS)
    part = folder / "teacher.part"
    kept = array_on_disk(part, rows.dtype, rows.shape)
    kept[:] = rows
    kept.flush()
    part.replace(folder / TEACHER)
    return rows
