"""A .tflite file as a list of operations, for reading: what `training.check` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from agent.hardware.engines.litert import read_model
from training.compact import operator_name, read, short

SMALL = 4096  # bytes; axes, paddings and shapes are read, weights are not


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # "int8", "float32"
    scales: NDArray[np.float32]  # empty: not quantised; one: for all of it; more: one a channel
    constant: bool
    fixed: bool  # of one shape for good
    values: NDArray[Any] | None  # of small constants, whole numbers or float32


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operation. A missing optional input is None."""

    index: int
    name: str  # "CONV_2D"
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]  # as the schema calls them, such as "fusedActivationFunction"

    @property
    def activation(self) -> str:
        """The fused activation, "NONE" where there is none."""
        return _ACTIVATIONS[self.options.get("fusedActivationFunction", 0)]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """What a file computes."""

    size: int  # bytes of the file
    nodes: tuple[Node, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    subgraphs: int
    weights_outside: bool  # behind the FlatBuffer rather than in it


def read_graph(path: Path) -> Graph:
    """Returns the first subgraph of a file.

    Raises:
        ModelError: it cannot be read, or is no TFLite file.
    """
    content = read_model(path, None)
    outside = any(buffer.offset for buffer in schema.ModelT.InitFromPackedBuf(content).buffers)
    model = read(content)
    graph = model.subgraphs[0]
    tensors = tuple(_tensor(tensor, model.buffers) for tensor in graph.tensors)
    nodes = []
    for index, operator in enumerate(graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        name = code.customCode.decode() if code.customCode else operator_name(code)
        inputs = tuple(tensors[i] if i >= 0 else None for i in operator.inputs)
        outputs = tuple(tensors[i] for i in operator.outputs)
        options = vars(operator.builtinOptions) if operator.builtinOptions else {}
        nodes.append(Node(index, name, code.version, inputs, outputs, options))
    return Graph(
        size=len(content),
        nodes=tuple(nodes),
        inputs=tuple(tensors[i] for i in graph.inputs),
        outputs=tuple(tensors[i] for i in graph.outputs),
        tensors=tensors,
        subgraphs=len(model.subgraphs),
        weights_outside=outside,
    )


def _tensor(tensor: Any, buffers: Any) -> Tensor:
    data = buffers[tensor.buffer].data
    constant = data is not None and len(data) > 0
    dtype = _TYPES[tensor.type]
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    scale = tensor.quantization.scale if tensor.quantization is not None else None
    values = None
    if constant and len(data) <= SMALL and dtype in {"int8", "int32", "int64", "float32"}:
        values = np.asarray(data, np.uint8).view(dtype)
    return Tensor(
        name=short(tensor.name.decode()),
        shape=tuple(int(n) for n in (tensor.shape if tensor.shape is not None else ())),
        dtype=dtype,
        scales=np.asarray(scale if scale is not None else (), np.float32),
        constant=constant,
        fixed=not any(n < 0 for n in (signature if signature is not None else ())),
        values=values,
    )


def _names(enumeration: type) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


_TYPES = {number: name.lower() for number, name in _names(schema.TensorType).items()}
_ACTIVATIONS = _names(schema.ActivationFunctionType)
