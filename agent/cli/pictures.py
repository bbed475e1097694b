"""Picture files named on the command line, or in folders that are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.errors import PictureError
from agent.hardware.cameras.files import MAX_BYTES
from agent.types import Image
from agent.vision.photo_files import SUFFIXES, photos_below
from agent.vision.pictures import decode_picture


def picture_files(paths: Iterable[Path]) -> list[Path]:
    """The files as they are given, whatever they are called, and all pictures in folders and below, by name.

    Raises:
        PictureError: one of them is not there, or there is no picture at all.
    """
    files = [file for path in paths for file in _below(path)]
    if not files:
        raise PictureError(f"no pictures there: want files that end in {', '.join(sorted(SUFFIXES))}")
    return files


def read_picture(path: Path) -> Image:
    """A file's picture as (H, W, 3) uint8 RGB.

    Raises:
        PictureError: it cannot be read, or is none.
    """
    try:
        return decode_picture(path.read_bytes(), max_bytes=MAX_BYTES)
    except OSError as error:
        raise PictureError(str(error.strerror)) from error


def _below(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise PictureError(f"{path}: there is no such file or folder")
    if not path.is_dir():
        yield path
        return
    yield from photos_below(path)
