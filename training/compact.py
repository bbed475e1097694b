"""A TFLite file made smaller without changing what it computes, and its operations' versions put right.

A sixth of what the quantiser writes is not weights: a path of 300 letters for every tensor, and for every channel a
zero point of eight bytes that is always zero. A FlatBuffer may refer to one and the same vector many times; here it
does.

The quantiser also puts the weights behind the FlatBuffer and not into it. TFLite learnt to look there in 2023; the Edge
TPU's compiler, whose last version is of 2021, did not, and would find a net without weights. Here they go back in.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes, of weights: what the quantiser keeps, so that SIMD may read them in place

INT8_VERSIONS = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "LOGISTIC": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MUL": 2,
    "PAD": 2,
    "RESIZE_BILINEAR": 2,
    "SLICE": 2,
    "SPLIT": 2,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "TANH": 2,
    "TRANSPOSE": 2,
}
"""The first version of each operation that knows int8 (tensorflow/lite/tools/versioning/op_version.cc). The quantiser
leaves the float ones; runtimes do not mind, a compiler that goes by them does."""


class _Sharing(flatbuffers.Builder):
    """Writes equal vectors and strings once."""

    def __init__(self) -> None:
        super().__init__(1 << 16)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - the library's name
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            if x.dtype == np.uint8:
                self.Prep(ALIGNMENT, x.size)
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        key = ("text", s.encode(encoding, errors) if isinstance(s, str) else s)
        if key not in self._written:
            self._written[key] = super().CreateString(s, encoding, errors)
        return self._written[key]


def compact(content: bytes) -> bytes:
    """Returns the bytes of an int8 .tflite file anew: smaller, the same numbers from the same inputs."""
    model = read(content)
    for graph in model.subgraphs:
        public = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in public:
                tensor.name = f"{short(tensor.name.decode())}#{index}".encode()
            if tensor.quantization is not None:  # what calibration saw: the scale says it
                tensor.quantization.min = tensor.quantization.max = None
        _number(model, graph)
    builder = _Sharing()
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def read(content: bytes) -> Any:
    """Returns the bytes of a .tflite file as the schema's `ModelT`, every buffer in its place."""
    model = schema.ModelT.InitFromPackedBuf(content)
    for buffer in model.buffers:
        if buffer.offset:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def short(name: str) -> str:
    """Returns the path of a module in the net, `layers.5.body.0`, of the name that litert-torch gave a tensor."""
    if ";" not in name:
        return name.partition("#")[0]
    parts = name.partition(";")[0].split("/")
    inner = parts[2:] if "ChannelLastIO" in parts[0] else parts[1:]
    return ".".join(part.rpartition(".")[2].partition("_")[2] or part for part in inner) or parts[-1]


def operator_name(code: Any) -> str:
    """Returns `CONV_2D` and the like of an operator code of the schema."""
    number = max(code.builtinCode, code.deprecatedBuiltinCode)  # codes from 127 on are in the newer field alone
    return str(_NAMES.get(number, f"operation {number}"))


def _number(model: Any, graph: Any) -> None:
    """Raises the versions of operations that work on int8."""
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if graph.tensors[operator.outputs[0]].type == schema.TensorType.INT8:
            code.version = max(code.version, INT8_VERSIONS.get(operator_name(code), 1))


_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
