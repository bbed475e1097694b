"""Pictures of a benchmark through the agent's own eyes: detected, aligned and encoded as at the door."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError, PictureError
from agent.gallery.space import Space
from agent.types import Face, Image
from agent.vision.align import SIZE, align
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from agent.vision.pictures import decode_picture
from training.data.archive import PICTURES
from training.data.lazy import Lazy
from training.writing import writing


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A benchmark's pictures, encoded. Where no face was found the vector is zero: alike to nobody."""

    names: list[str]
    vectors: NDArray[np.float32]  # (N, D)
    found: NDArray[np.bool_]  # (N,)

    def placed(self, space: Space) -> Embedded:
        """Returns the same as they are compared in a space."""
        return replace(self, vectors=np.where(self.found[:, None], space(self.vectors), np.float32(0)))


class Benchmark(Lazy):
    """The pictures of a zip file in the order of their names, (H, W, 3) uint8 RGB, read when asked for.

    Raises:
        ConfigError: there is no such file, or a picture in it cannot be read.
    """

    def __init__(self, archive: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(archive)
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{archive} cannot be read as a zip file of pictures: {error}") from error
        self.archive = archive
        self.names = sorted(name for name in self._zip.namelist() if name.lower().endswith(PICTURES))

    def __len__(self) -> int:
        return len(self.names)

    def at(self, index: int) -> Image:
        """Returns one picture."""
        name = self.names[index]
        try:
            return decode_picture(self._zip.read(name))
        except (PictureError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{self.archive}: {name}: {error}") from error


class Faces(Lazy):
    """The central face of each of a benchmark's pictures, aligned as at the door when first asked for, and kept.

    LFW's are 290 MB and take a minute: they are looked through for leaks, then encoded by one file after the other.
    """

    def __init__(self, benchmark: Benchmark, detector: Detector, aligner: Aligner) -> None:
        self.archive, self.names = benchmark.archive, benchmark.names
        self._benchmark, self._detector, self._aligner = benchmark, detector, aligner
        self._kept: dict[int, Image | None] = {}

    def __len__(self) -> int:
        return len(self._benchmark)

    def at(self, index: int) -> Image:
        """Returns (112, 112, 3) uint8 RGB, black where no face is found."""
        crop = self.found(index)
        return np.zeros((SIZE, SIZE, 3), np.uint8) if crop is None else crop

    def found(self, index: int) -> Image | None:
        """Returns the same, None where no face is found."""
        if index not in self._kept:
            self._kept[index] = aligned(self._benchmark.at(index), self._detector, self._aligner)
        return self._kept[index]


def central(faces: list[Face], image: Image) -> Face | None:
    """Returns the largest face near the middle, the one a benchmark's picture is about."""
    middle = np.array(image.shape[1::-1]) / 2

    def weight(face: Face) -> float:
        centre = np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])
        return face.box.width * face.box.height / (1 + float(np.linalg.norm((centre - middle) / middle)) * 4) ** 2

    return max(faces, key=weight, default=None)


def aligned(image: Image, detector: Detector, aligner: Aligner) -> Image | None:
    """Returns the central face of a picture as `agent.vision.eyes` aligns it, None where no face is found."""
    face = central(detector(image), image)
    return None if face is None else align(image, aligner(image, face).landmarks)


def embed_pictures(faces: Faces, encoders: Sequence[Encoder]) -> list[Embedded]:
    """Returns, for each encoder, every picture's central face."""
    if not len(faces):
        raise ConfigError(f"{faces.archive} holds no pictures ({', '.join(PICTURES)})")
    found = np.zeros(len(faces), bool)
    vectors = [np.zeros((len(faces), encoder.dimension), np.float32) for encoder in encoders]
    for i in range(len(faces)):
        crop = faces.found(i)
        if crop is not None:
            found[i] = True
            for encoder, rows in zip(encoders, vectors, strict=True):
                rows[i] = encoder(crop).vector
    return [Embedded(faces.names, rows, found) for rows in vectors]


def remembered(
    cache: Path | None, faces: Faces, finders: Sequence[Path], encoders: Sequence[tuple[Path, Encoder]], *, label: str
) -> list[Embedded]:
    """Returns `embed_pictures` of a benchmark, from `cache` where these files were there before.

    What is damaged there is made anew.

    Args:
        cache: a folder, made where missing; None remembers nothing.
        faces: of the benchmark.
        finders: the files by which they are found and aligned.
        encoders: each one's file, and what runs it.
        label: what else tells two runs apart, as the runtime, or an encoder that averages over mirrored faces.

    Raises:
        RunError: the cache cannot be written.
    """
    files = [faces.archive, *finders, *(file for file, _ in encoders)]
    digest = hashlib.sha256("".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files).encode())
    digest.update(label.encode())
    kept = None if cache is None else cache / f"{faces.archive.stem}-{digest.hexdigest()[:16]}.npz"
    if kept is not None and (found := _kept(kept, len(encoders))):
        return found
    embedded = embed_pictures(faces, [encoder for _, encoder in encoders])
    if kept is not None:
        vectors = {f"vectors{i}": one.vectors for i, one in enumerate(embedded)}
        with writing(kept) as part, part.open("wb") as file:
            np.savez(file, names=np.array(embedded[0].names), found=embedded[0].found, **vectors)
    return embedded


def _kept(file: Path, encoders: int) -> list[Embedded] | None:
    """Returns what a cache file holds; None where there is none, or it is damaged."""
    try:
        with np.load(file) as saved:
            names = [str(name) for name in saved["names"]]
            return [Embedded(names, saved[f"vectors{i}"], saved["found"]) for i in range(encoders)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
