"""Large arrays that are filled on the disk, piece by piece: whether there is room for them is known before."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from training.data.errors import DataError


def array_on_disk(file: Path, dtype: DTypeLike, shape: Sequence[int]) -> np.memmap[Any, Any]:
    """Returns a new array in a .npy file, mapped, with its room taken: a disk that fills up later ends no process.

    Raises:
        DataError: the disk is too full.
    """
    file.unlink(missing_ok=True)
    size = math.prod(shape) * np.dtype(dtype).itemsize
    free = shutil.disk_usage(file.parent).free
    if size > free:
        raise DataError(f"{file}: wants {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free: make room, or go elsewhere")
    try:
        array = np.lib.format.open_memmap(file, "w+", dtype, tuple(shape))  # type: ignore[no-untyped-call] # numpy
        if sys.platform == "linux":
            with file.open("r+b") as opened:
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)  # else it is taken when it is written to
    except OSError as error:  # a quota, or somebody else was faster
        file.unlink(missing_ok=True)
        raise DataError(f"{file}: no room for {size / 1e9:.1f} GB: {error.strerror}") from error
    return array  # type: ignore[no-any-return] # numpy
