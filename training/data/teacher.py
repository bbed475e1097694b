"""What the reference encoders make of any aligned face: the vectors that a small net is distilled from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.data.errors import DataError

TEACHERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")
"""Their unit vectors, put side by side, are better than either (see the data's README)."""
BATCH = 16


def label(
    pictures: Sequence[NDArray[np.uint8]],
    folder: Path,
    *,
    teachers: Sequence[str] = TEACHERS,
    threads: int | None = None,
) -> NDArray[np.float16]:
    """Returns (N, T) unit rows: the unit vectors of all teachers side by side, at unit length again.

    Args:
        pictures: (112, 112, 3) uint8 RGB each, aligned; may be lazy.
        folder: where the ONNX files are.
        teachers: names of files that take NCHW RGB, (x - 127.5) / 127.5.
        threads: how many cores to use; None takes all.

    Raises:
        DataError: a teacher is not there.
    """
    if missing := [name for name in teachers if not (folder / name).is_file()]:
        raise DataError(f"{folder}: no reference encoder {', '.join(missing)}; see ../shared/data/README.md")
    rows = [_unit(embed(folder / name, pictures, threads=threads)) for name in teachers]
    return _unit(np.hstack(rows)).astype(np.float16)


def embed(model: Path, pictures: Sequence[NDArray[np.uint8]], *, threads: int | None = None) -> NDArray[np.float32]:
    """Returns (N, D) of one reference encoder, not of unit length."""
    import openvino

    core = openvino.Core()
    net = core.read_model(model)
    net.reshape([BATCH, 3, 112, 112])
    hints: dict[str, object] = {"PERFORMANCE_HINT": "THROUGHPUT"}
    hints |= {} if threads is None else {"INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(net, "CPU", hints)
    rows = np.zeros((len(pictures) + BATCH, compiled.output(0).shape[1]), np.float32)
    jobs = openvino.AsyncInferQueue(compiled)

    def done(request: openvino.InferRequest, start: int) -> None:
        rows[start : start + BATCH] = request.get_output_tensor(0).data

    jobs.set_callback(done)
    for start in track(range(0, len(pictures), BATCH), f"embedding with {model.name}"):
        batch = np.zeros((BATCH, 112, 112, 3), np.uint8)
        part = [pictures[i] for i in range(start, min(start + BATCH, len(pictures)))]
        batch[: len(part)] = part
        jobs.start_async([((batch.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)], start)
    jobs.wait_all()
    return rows[: len(pictures)]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
