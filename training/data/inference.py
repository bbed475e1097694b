"""Runs an ONNX file over batches: by OpenVINO, or by ONNX Runtime where only that is installed.

OpenVINO does it three times as fast on a CPU; ONNX Runtime is what machines with a GPU tend to have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.data.errors import DataError

BATCH = 16

Floats: TypeAlias = NDArray[np.float32]
Batches: TypeAlias = Iterator[tuple[int, Floats]]
"""A number, which comes back with the answer, and (BATCH, 3, 112, 112)."""
Done: TypeAlias = Callable[[int, Floats, Floats | None], None]
"""Takes the number, the (BATCH, D) output, and that of the node that was asked for; called one after the other."""


class Runner(NamedTuple):
    """What runs a file, and what comes out of it."""

    run: Callable[[Batches, Done], None]
    dimension: int  # of the output
    inner: tuple[int, ...]  # shape of the inner node's values for a batch; () if none was asked for


def runner(model: Path, node: str | None, *, threads: int | None = None) -> Runner:
    """Returns what runs the file over batches.

    Args:
        model: an ONNX file with one input and one output.
        node: the name of a tensor inside whose values are wanted as well.
        threads: how many cores to use; None takes all.

    Raises:
        DataError: neither runtime is installed, or the file is no net that takes (BATCH, 3, 112, 112) and has the node.
    """
    if find_spec("openvino"):
        run = _openvino
    elif find_spec("onnxruntime") and find_spec("onnx"):
        run = _onnxruntime
    else:
        raise DataError(f"nothing here runs {model.name}: pip install openvino (or onnx and onnxruntime)")
    try:
        return run(model, node, threads)
    except (RuntimeError, ValueError) as error:
        want = f"an ONNX file that takes (N, 3, 112, 112) and gives (N, D){f', with {node} inside' if node else ''}"
        raise DataError(f"{model}: want {want}: {' '.join(str(error).split())}") from error


def _openvino(model: Path, node: str | None, threads: int | None) -> Runner:
    import openvino

    core = openvino.Core()
    net = core.read_model(model)
    net.reshape([BATCH, 3, 112, 112])
    if node:
        inside = [op for op in net.get_ops() if op.get_friendly_name() == node]
        if not inside:
            raise ValueError("no such node")
        net.add_outputs([inside[0].output(0)])
    hints: dict[str, object] = {"PERFORMANCE_HINT": "THROUGHPUT"}
    hints |= {} if threads is None else {"INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(net, "CPU", hints)

    # Requests in turn and no callbacks: one that waits for Python's lock can wait for ever when its queue is closed.
    free = [compiled.create_infer_request() for _ in range(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))]

    def run(batches: Batches, done: Done) -> None:
        busy: deque[tuple[int, openvino.InferRequest]] = deque()

        def finish() -> None:
            start, request = busy.popleft()
            request.wait()
            inner = request.get_output_tensor(1).data if node else None
            done(start, request.get_output_tensor(0).data, inner)
            free.append(request)

        for start, batch in batches:
            if not free:
                finish()
            request = free.pop()
            request.start_async([batch])
            busy.append((start, request))
        while busy:
            finish()

    return Runner(run, compiled.output(0).shape[1], tuple(compiled.output(1).shape) if node else ())


def _onnxruntime(model: Path, node: str | None, threads: int | None) -> Runner:
    import onnx
    import onnxruntime

    net = onnx.load(model)
    if node:
        net.graph.output.append(onnx.helper.make_empty_tensor_value_info(node))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(net.SerializeToString(), options, onnxruntime.get_available_providers())
    wanted = [session.get_outputs()[0].name, *([node] if node else [])]
    name = session.get_inputs()[0].name

    def run(batches: Batches, done: Done) -> None:
        for start, batch in batches:
            vectors, *inner = session.run(wanted, {name: batch})
            done(start, vectors, inner[0] if inner else None)

    vectors, *inner = session.run(wanted, {name: np.zeros((BATCH, 3, 112, 112), np.float32)})
    return Runner(run, vectors.shape[1], inner[0].shape if inner else ())
