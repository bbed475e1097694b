"""Unpacks the aligned faces into one array and asks the reference encoders what they make of each."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.errors import DataError
from training.hints import FILE

TEACHERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")
"""Their unit vectors, put side by side, are better than either (see the data's README)."""
HINTS = ("encoder_mbf.onnx", "/features/conv/layers/layers.2/PRelu_output_0")
"""The reference encoder, and the node in it, whose maps (64, 7, 7) its embedding is a linear function of."""
BATCH = 16


def prepare(data: Path, work: Path) -> None:
    """Writes faces.npy, index.csv, teacher.npy and maps.npy into `work`; what is there already is kept.

    Args:
        data: the folder with `faces/` and `reference/`.
        work: about 3 GB for 63,000 faces.

    Raises:
        DataError: the folder lacks one of these.
    """
    wanted = [data / "faces" / "index.csv", *(data / "reference" / name for name in TEACHERS)]
    if missing := [str(file) for file in wanted if not file.exists()]:
        raise DataError(f"not there: {', '.join(missing)}; name the folder with faces/ and reference/ by --data")
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data / "faces" / "index.csv", work / "index.csv")
    if not (work / "faces.npy").exists():
        _unpack(data / "faces", work / "faces.npy")
    if (work / "teacher.npy").exists() and (work / FILE).exists():
        return
    pictures = np.load(work / "faces.npy", mmap_mode="r")
    rows = []
    for name in TEACHERS:
        maps = (HINTS[1], work / FILE) if name == HINTS[0] else None
        rows.append(_unit(_embed(data / "reference" / name, pictures, maps=maps)))
    np.save(work / "teacher.npy", _unit(np.hstack(rows)).astype(np.float16))


def _unpack(folder: Path, target: Path) -> None:
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    part = target.with_suffix(".part")
    faces = np.lib.format.open_memmap(part, "w+", np.uint8, (len(rows), 112, 112, 3))  # type: ignore[no-untyped-call] # numpy
    archives = {shard: zipfile.ZipFile(folder / f"faces_{int(shard):02d}.zip") for shard in {r["shard"] for r in rows}}
    for i, row in enumerate(track(rows, "unpacking faces")):
        data = np.frombuffer(archives[row["shard"]].read(row["file"]), np.uint8)
        faces[i] = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    faces.flush()
    part.rename(target)


def _embed(
    model: Path, pictures: NDArray[np.uint8], *, maps: tuple[str, Path] | None = None
) -> NDArray[np.float32]:
    """Returns (N, D) of a reference encoder that takes NCHW RGB, (x - 127.5) / 127.5.

    Args:
        model: an ONNX file.
        pictures: (N, 112, 112, 3) uint8 RGB.
        maps: a node with an output (B, C, H, W), and the file into which it is written as (N, H, W, C) float16.
    """
    import openvino

    core = openvino.Core()
    net = core.read_model(model)
    net.reshape([BATCH, 3, 112, 112])
    if maps:
        net.add_outputs([next(op for op in net.get_ops() if op.get_friendly_name() == maps[0]).output(0)])
    compiled = core.compile_model(net, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    rows = np.zeros((len(pictures) + BATCH, compiled.output(0).shape[1]), np.float32)
    kept = _memory(maps[1], len(pictures), compiled.output(1).shape) if maps else None
    jobs = openvino.AsyncInferQueue(compiled)

    def done(request: openvino.InferRequest, start: int) -> None:
        rows[start : start + BATCH] = request.get_output_tensor(0).data
        if kept is not None:
            part = kept[start : start + BATCH]
            part[:] = request.get_output_tensor(1).data.transpose(0, 2, 3, 1)[: len(part)]

    jobs.set_callback(done)
    for start in track(range(0, len(pictures), BATCH), f"embedding with {model.name}"):
        batch = np.zeros((BATCH, 112, 112, 3), np.uint8)
        part = pictures[start : start + BATCH]
        batch[: len(part)] = part
        jobs.start_async([((batch.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)], start)
    jobs.wait_all()
    if kept is not None and maps:
        kept.flush()
        maps[1].with_suffix(".part").rename(maps[1])
    return rows[: len(pictures)]


def _memory(file: Path, count: int, shape: Sequence[int]) -> np.memmap[Any, np.dtype[np.float16]]:
    _, channels, height, width = shape
    rows = (count, height, width, channels)
    return np.lib.format.open_memmap(file.with_suffix(".part"), "w+", np.float16, rows)  # type: ignore[no-untyped-call] # numpy


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
