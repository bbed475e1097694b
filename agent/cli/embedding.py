"""Pictures to vectors, many of them: the largest central face of each, on several threads."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent.cli.pictures import read_picture
from agent.errors import PictureError
from agent.types import Face, Floats, Image
from agent.vision.align import SIZE
from agent.vision.eyes import Eyes


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What became of one file."""

    path: Path
    vector: Floats | None  # (D,) float32 of unit length; None where there is no face
    face: Face | None = None  # whose it is; None for crops taken as they are
    trouble: str = ""  # why it could not be looked at


class Embedder:
    """Embeds files, each thread with eyes of its own.

    Args:
        make_eyes: called once in each thread.
        aligned: the pictures are 112x112 crops on the template, to be taken as they are.
    """

    def __init__(self, make_eyes: Callable[[], Eyes], *, aligned: bool = False) -> None:
        self._make_eyes, self._aligned = make_eyes, aligned
        self._thread = threading.local()

    def each(self, paths: Sequence[Path], *, threads: int) -> Iterator[Embedded]:
        """What becomes of each file, in their order. Vectors wait to be taken, pictures never."""
        pool = ThreadPoolExecutor(threads, thread_name_prefix="embed")
        try:
            yield from pool.map(self.embed, paths)
        finally:
            pool.shutdown(cancel_futures=True)

    def embed(self, path: Path) -> Embedded:
        """What becomes of one file."""
        try:
            image = read_picture(path)
        except PictureError as error:
            return Embedded(path, None, trouble=str(error))
        if self._aligned:
            return self._crop(path, image)
        face = largest_central(self._eyes.faces(image), image)
        if face is None:
            return Embedded(path, None)
        return Embedded(path, self._eyes.embed(self._eyes.crop(image, face)).vector, face)

    def _crop(self, path: Path, image: Image) -> Embedded:
        if image.shape[:2] != (SIZE, SIZE):
            size = f"{image.shape[1]}x{image.shape[0]}"
            return Embedded(path, None, trouble=f"not an aligned crop: {size}, want {SIZE}x{SIZE}")
        return Embedded(path, self._eyes.encoder(image).vector)

    @property
    def _eyes(self) -> Eyes:
        """Those of this thread."""
        if not hasattr(self._thread, "eyes"):
            self._thread.eyes = self._make_eyes()
        return self._thread.eyes  # type: ignore[no-any-return] # a thread-local has no types


def largest_central(faces: Sequence[Face], image: Image) -> Face | None:
    """The face with the greatest area times closeness; None where there is none.

    Closeness falls in a line from 1, with the middle of the box in the middle of the picture, to 0 in a corner: a
    passer-by at the edge has to be much larger than whom the picture was taken of.
    """
    height, width = image.shape[:2]

    def prominence(face: Face) -> float:
        box = face.box
        away = math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)
        return box.width * box.height * max(0.0, 1 - away / (math.hypot(width, height) / 2))

    return max(faces, key=prominence, default=None)
