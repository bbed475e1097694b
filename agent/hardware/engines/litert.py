"""The LiteRT engine: one class for the two runtimes that read .tflite files, with or without an accelerator.

Neither runtime may be given a damaged file. Tried with files cut off or with flipped bits: of 60, tflite-runtime 2.14
died of a segmentation fault on 20 and hung on 4; of 2,100, ai-edge-litert 2.3 died on 1 and hung on 1; and both ran
quietly with altered weights. Trying them in another process first does not help: the same file may kill the second.
So the bytes are checked against the card's SHA-256 before the runtime sees them.

libedgetpu has to be built for the same TensorFlow as the runtime: Google's own package is built for 2.5 and crashes
tflite-runtime 2.12 and newer (https://github.com/google-coral/edgetpu/issues/812).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError, HardwareError, ModelError
from agent.hardware.backends import missing
from agent.vision.model import TensorSpec

RUNTIMES = {"ai-edge-litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
DELEGATES = {"edgetpu": "libedgetpu.so.1"}
"""Short names of delegates; any other name is the path of a library."""

FILE_IDENTIFIER = b"TFL3"  # bytes 4..7 of every model, from the flatbuffer schema of TFLite
MIN_BYTES = 64  # a root table with its vtable alone is longer


class LiteRtModel:
    """A .tflite file in an interpreter. Implements `agent.vision.model.Model`.

    Args:
        path: the model file.
        runtime: which of `RUNTIMES` runs it.
        delegate: "edgetpu", the path of a delegate's library, or None for the CPU (XNNPACK).
        threads: for the CPU's kernels.
        sha256: of the file, in hex, as its card says. None trusts it, as one that was made a moment ago: a damaged
            file may then end the process.

    Raises:
        ConfigError: an unknown runtime, or less than one thread.
        HardwareError: the runtime is not installed, or the delegate cannot be loaded.
        ModelError: the file is missing, damaged, not the one the card describes, or uses what this runtime lacks.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        runtime: str = "ai-edge-litert",
        delegate: str | None = None,
        threads: int = 1,
        sha256: str | None,
    ) -> None:
        if threads < 1:
            raise ConfigError(f"the engine needs at least 1 thread, not {threads}")
        module = _import(runtime)
        content = read_model(path, sha256)
        self._path = path
        self._lock = threading.Lock()
        self._interpreter = _interpreter(module, path, content, delegate, threads)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input_indexes = [int(tensor["index"]) for tensor in inputs]
        self._output_indexes = [int(tensor["index"]) for tensor in outputs]
        self.inputs = tuple(_spec(tensor) for tensor in inputs)
        self.outputs = tuple(_spec(tensor) for tensor in outputs)

    def __call__(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the raw output tensors, copied out of the interpreter."""
        self._check(arrays)
        with self._lock:
            try:
                for index, array in zip(self._input_indexes, arrays, strict=True):
                    self._interpreter.set_tensor(index, array)
                self._interpreter.invoke()
            except RuntimeError as error:
                raise HardwareError(f"{self._path}: the engine failed: {error}") from error
            return [self._interpreter.get_tensor(index) for index in self._output_indexes]

    def _check(self, arrays: tuple[NDArray[Any], ...]) -> None:
        want = [(spec.shape, str(spec.dtype)) for spec in self.inputs]
        got = [(array.shape, str(array.dtype)) for array in arrays]
        if want != got:
            raise ValueError(f"{self._path}: want inputs {want}, got {got}")


def read_model(path: str | Path, sha256: str | None) -> bytes:
    """Return the bytes of a model file after checking that they are the right ones.

    Raises:
        ModelError: naming the file and what is wrong with it.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}") from error
    if len(content) < MIN_BYTES or content[4:8] != FILE_IDENTIFIER:
        raise ModelError(f"{path}: not a TFLite model ({len(content)} bytes, no {FILE_IDENTIFIER.decode()} at byte 4)")
    if sha256 is not None and (digest := hashlib.sha256(content).hexdigest()) != sha256.lower():
        raise ModelError(
            f"{path}: not the file its card describes: its SHA-256 is {digest[:16]}..., the card says {sha256[:16]}...;"
            " the file is damaged or the card belongs to another one: copy both again"
        )
    return content


def _import(runtime: str) -> Any:
    if runtime not in RUNTIMES:
        raise ConfigError(f"no runtime is called {runtime!r}: there are {', '.join(RUNTIMES)}")
    try:
        return importlib.import_module(RUNTIMES[runtime])
    # AttributeError, ValueError: what compiled modules say on import when they were built for another numpy
    except (ImportError, AttributeError, ValueError) as error:
        raise missing(f"the runtime {runtime!r}", error) from error


def _interpreter(module: Any, path: str | Path, content: bytes, delegate: str | None, threads: int) -> Any:
    delegates = [] if delegate is None else [_delegate(module, delegate)]
    try:
        interpreter = module.Interpreter(
            model_content=content, num_threads=threads, experimental_delegates=delegates or None
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        hint = "; it is compiled for the Edge TPU: set the delegate to edgetpu" if "edgetpu" in str(error) else ""
        raise ModelError(f"{path}: the runtime cannot use this model: {str(error).strip()}{hint}") from error
    return interpreter


def _delegate(module: Any, name: str) -> Any:
    library = DELEGATES.get(name, name)
    hint = "install libedgetpu and plug the Coral in, or give the path of a library"
    try:
        # Looked into before the runtime does, whose Delegate prints a traceback of its destructor where this fails.
        if hasattr(ctypes.CDLL(library), "tflite_plugin_create_delegate"):
            return module.load_delegate(library)
    except (OSError, ValueError) as error:
        raise HardwareError(f"the delegate {library} cannot be loaded ({str(error).strip()}): {hint}") from error
    raise HardwareError(f"{library} is a library, but not a TFLite delegate: {hint}")


def _spec(tensor: dict[str, Any]) -> TensorSpec:
    scales, zero_points = (tensor["quantization_parameters"][key] for key in ("scales", "zero_points"))
    return TensorSpec(
        name=str(tensor["name"]),
        shape=tuple(int(size) for size in tensor["shape"]),
        dtype=np.dtype(tensor["dtype"]),
        scale=float(scales[0]) if len(scales) else 0.0,
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
    )
