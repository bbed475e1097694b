"""A folder of pictures as a camera."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from agent.errors import HardwareError, PictureError
from agent.hardware.cameras import CameraOptions, Clock, utc_now
from agent.hardware.cameras.pace import Pace
from agent.types import Frame, Image
from agent.vision.photo_files import SUFFIXES
from agent.vision.pictures import decode_picture

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 2**20  # these are the operator's own: a frame of 4K video as BMP has 25 MB


class Folder:
    """Shows the pictures of a folder in the order of their names, `options.fps` of them in a second.

    The n-th picture shown is stamped start + n / fps. One that cannot be read is skipped with a warning.

    Args:
        options: `source` is the folder; `fps`, `start`, `loop`, `as_fast_as_possible`, `name`.
        now: asked once, for the start where none is given.

    Raises:
        HardwareError: there is no such folder, or no picture in it.
    """

    def __init__(self, options: CameraOptions, now: Clock = utc_now) -> None:
        folder = Path(options.source)
        if not folder.is_dir():
            raise HardwareError(f"{folder}: there is no such folder")
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        if not paths:
            raise HardwareError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
        self._options = options
        self._start = options.start or now()
        self._pace = Pace(None if options.as_fast_as_possible else options.fps)
        self._images = _readable(folder, paths, loop=options.loop)
        self._seq = 0

    def read(self) -> Frame | None:
        """Return the next picture when its time has come, None after the last."""
        if not self._pace.wait(self._seq):
            return None
        image = next(self._images, None)
        if image is None:
            return None
        seq, self._seq = self._seq, self._seq + 1
        at = self._start + timedelta(seconds=seq / self._options.fps)
        return Frame(image=image, at=at, seq=seq, camera=self._options.name)

    def close(self) -> None:
        """Show no more pictures. May be called again."""
        self._pace.stop()


def _readable(folder: Path, paths: list[Path], *, loop: bool) -> Iterator[Image]:
    for _ in itertools.count() if loop else range(1):
        images = (image for path in paths if (image := _read(path)) is not None)
        first = next(images, None)
        if first is None:
            raise HardwareError(f"{folder}: none of its {len(paths)} pictures can be read")
        yield first
        yield from images


def _read(path: Path) -> Image | None:
    try:
        return decode_picture(path.read_bytes(), max_bytes=MAX_BYTES)
    except (OSError, PictureError) as error:
        log.warning("picture skipped: %s: %s", path, error)
        return None
