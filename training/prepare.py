"""Unpacks the aligned faces into one array and asks the reference encoders what they make of each."""

from __future__ import annotations

import csv
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

TEACHERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")
"""Their unit vectors, put side by side, are better than either (see the data's README)."""
BATCH = 16


def prepare(data: Path, work: Path) -> None:
    """Writes faces.npy, index.csv and teacher.npy into `work`; what is there already is kept.

    Args:
        data: the folder with `faces/` and `reference/`.
        work: about 2.6 GB for 63,000 faces.
    """
    work.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data / "faces" / "index.csv", work / "index.csv")
    if not (work / "faces.npy").exists():
        _unpack(data / "faces", work / "faces.npy")
    if not (work / "teacher.npy").exists():
        pictures = np.load(work / "faces.npy", mmap_mode="r")
        rows = [_unit(_embed(data / "reference" / name, pictures)) for name in TEACHERS]
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


def _embed(model: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns (N, D) of a reference encoder that takes NCHW RGB, (x - 127.5) / 127.5."""
    import openvino

    core = openvino.Core()
    net = core.read_model(model)
    net.reshape([BATCH, 3, 112, 112])
    compiled = core.compile_model(net, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    rows = np.zeros((len(pictures) + BATCH, compiled.output(0).shape[1]), np.float32)
    jobs = openvino.AsyncInferQueue(compiled)

    def done(request: openvino.InferRequest, start: int) -> None:
        rows[start : start + BATCH] = request.get_output_tensor(0).data

    jobs.set_callback(done)
    for start in track(range(0, len(pictures), BATCH), f"embedding with {model.name}"):
        batch = np.zeros((BATCH, 112, 112, 3), np.uint8)
        part = pictures[start : start + BATCH]
        batch[: len(part)] = part
        jobs.start_async([((batch.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)], start)
    jobs.wait_all()
    return rows[: len(pictures)]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
