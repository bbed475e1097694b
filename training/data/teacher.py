"""What the reference encoders make of any aligned face: the vectors that a small net is distilled from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.data.errors import DataError
from training.data.inference import BATCH, runner
from training.data.reference import Ask
from training.data.room import array_on_disk

TEACHERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")
"""Their unit vectors, put side by side, are better than either (see the data's README)."""
MAPPED = ("encoder_mbf.onnx", "/features/conv/layers/layers.2/PRelu_output_0")
"""The teacher and the node in it whose maps (64, 7, 7) its embedding is a linear function of: see `training.hints`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Which reference encoders, and the folder of their files."""

    folder: Path
    names: Sequence[str] = TEACHERS


def ask(folder: Path, teachers: Sequence[str] | None = None, *, maps: bool = True) -> Ask:
    """Returns what asks these teachers in a folder, or `TEACHERS`; for maps as well, where one of them is `MAPPED`."""
    chosen = teachers or TEACHERS
    mapped = maps and MAPPED[0] in chosen
    return lambda pictures, maps: label(pictures, folder, teachers=chosen, maps=maps if mapped else None)


def digests(folder: Path, teachers: Sequence[str] | None = None) -> list[str]:
    """Returns what tells these teachers in a folder, or `TEACHERS`, from others: of each the digest of its file.

    Raises:
        DataError: one is not there.
    """
    chosen = there(folder, teachers or TEACHERS)
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16] for name in chosen]


def there(folder: Path, teachers: Sequence[str]) -> Sequence[str]:
    """Returns the teachers again, all of whose files are in a folder.

    Raises:
        DataError: one is not.
    """
    if missing := [name for name in teachers if not (folder / name).is_file()]:
        raise DataError(f"{folder}: no reference encoder {', '.join(missing)}: python -m training label --help")
    return teachers


def label(
    pictures: Sequence[NDArray[np.uint8]],
    folder: Path,
    *,
    teachers: Sequence[str] = TEACHERS,
    threads: int | None = None,
    maps: Path | None = None,
) -> NDArray[np.float16]:
    """Returns (N, T) unit rows: the unit vectors of all teachers side by side, at unit length again.

    Args:
        pictures: (112, 112, 3) uint8 RGB each, aligned; may be lazy.
        folder: where the ONNX files are.
        teachers: names of files that take NCHW RGB, (x - 127.5) / 127.5.
        threads: how many cores to use; None takes all.
        maps: the file into which `MAPPED`'s maps are written on the way, (N, 7, 7, 64) float16.

    Raises:
        DataError: a teacher is not there or cannot be asked, a picture has another size, or the disk is too full.
    """
    kept = {MAPPED[0]: (MAPPED[1], maps)} if maps else {}
    rows = [
        _unit(embed(folder / name, pictures, threads=threads, maps=kept.get(name))) for name in there(folder, teachers)
    ]
    return _unit(np.hstack(rows)).astype(np.float16)


def embed(
    model: Path,
    pictures: Sequence[NDArray[np.uint8]],
    *,
    threads: int | None = None,
    maps: tuple[str, Path] | None = None,
) -> NDArray[np.float32]:
    """Returns (N, D) of one reference encoder, not of unit length.

    Args:
        model: an ONNX file that takes NCHW RGB, (x - 127.5) / 127.5.
        pictures: as for `label`.
        threads: likewise.
        maps: a node with an output (B, C, H, W), and the file into which it is written as (N, H, W, C) float16.
    """
    net = runner(model, maps[0] if maps else None, threads=threads)
    rows = np.zeros((len(pictures), net.dimension), np.float32)
    kept = _memory(maps[1], len(pictures), net.inner) if maps else None

    def done(start: int, vectors: NDArray[np.float32], said: NDArray[np.float32] | None) -> None:
        count = min(BATCH, len(pictures) - start)
        rows[start : start + count] = vectors[:count]
        if kept is not None and said is not None:
            kept[start : start + count] = said[:count].transpose(0, 2, 3, 1)

    net.run(_batches(pictures, model.name), done)
    if kept is not None and maps:
        kept.flush()
        maps[1].with_suffix(".part").rename(maps[1])
    return rows


def _batches(pictures: Sequence[NDArray[np.uint8]], name: str) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yields where each batch begins, and (BATCH, 3, 112, 112) of it; the last one is filled up with black."""
    for start in track(range(0, len(pictures), BATCH), f"embedding with {name}"):
        batch = np.zeros((BATCH, 112, 112, 3), np.uint8)
        for i in range(start, min(start + BATCH, len(pictures))):
            picture = pictures[i]  # read and decoded here
            if (shape := picture.shape) != batch.shape[1:]:
                raise DataError(
                    f"picture {i} is {shape[1]}x{shape[0]}, and {name} takes aligned faces of 112x112: pack it"
                )
            batch[i - start] = picture
        yield start, ((batch.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)


def _memory(file: Path, count: int, shape: Sequence[int]) -> np.memmap[Any, Any]:
    _, channels, height, width = shape
    return array_on_disk(file.with_suffix(".part"), np.float16, (count, height, width, channels))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
