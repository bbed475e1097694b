"""An ONNX file as a function on a device of PyTorch's: a GPU that trains asks the reference encoders as well.

Not by onnx2torch (1.5.15): it wants a torchvision that fits PyTorch to the version, and computes sizes and axes anew
for each batch, which a captured graph (CUDA) cannot.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from training.data.errors import DataError
from training.live.operators import OPERATORS, Function

WRONG = (RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError)
"""What comes of a graph that is computed otherwise than it was meant."""


class _Step(NamedTuple):
    """One node that depends on the input."""

    of: Function
    attributes: dict[str, Any]
    arguments: tuple[str | Tensor | None, ...]  # names of what was computed, or what is known
    outputs: tuple[str, ...]
    over: tuple[str, ...] = ()  # what nobody wants afterwards


class Graph:
    """What an ONNX file computes, for batches of one size.

    Whatever does not depend on the pictures (weights kept in another type, sizes, codes of places) is computed once.

    Args:
        file: takes one input (N, 3, H, W).
        like: zeros (B, 3, H, W) of the size, type and device of what it will be asked about.
        inner: a tensor inside whose values are wanted as well.

    Raises:
        DataError: `onnx` is not installed, or the file is none, or has an operator that is not known here.
    """

    def __init__(self, file: Path, like: Tensor, inner: str | None = None) -> None:
        self._like, self._steps = like, list[_Step]()
        self._known: dict[str, Tensor] = {}
        model = _read(file)
        try:
            self._input, output = self._ends(model.graph)
            self._wanted = [output, *([inner] if inner else [])]
            self._build(model)
        except WRONG as error:
            raise DataError(f"{file}: cannot be computed here: {' '.join(str(error).split())}") from error
        self._known.clear()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Returns the output, and what was wanted inside; x is like `like`."""
        values = {self._input: x}
        for step in self._steps:
            _compute(step, values)
            for name in step.over:
                del values[name]
        return tuple(values[name] for name in self._wanted)

    def _ends(self, graph: Any) -> tuple[str, str]:
        self._known = {one.name: _tensor(one) for one in graph.initializer}
        inputs = [one.name for one in graph.input if one.name not in self._known]
        if len(inputs) != 1 or not graph.output:
            raise ValueError(f"want one input and an output, it has {len(inputs)} and {len(graph.output)}")
        return inputs[0], graph.output[0].name

    @torch.no_grad()
    def _build(self, model: Any) -> None:
        """Computes every node once, those that depend on the input with zeros; no value is kept longer than wanted."""
        opset = next(one.version for one in model.opset_import if one.domain in {"", "ai.onnx"})
        uses = Counter(name for node in model.graph.node for name in node.input)
        values, made = {self._input: self._like}, {self._input}
        for node in model.graph.node:
            self._take(node, values, opset)
            made |= set(values)
            uses.subtract(node.input)
            for name in {*node.input, *node.output} & set(values):
                if not uses[name]:
                    del values[name]
        if missing := [wanted for wanted in self._wanted if wanted not in made]:
            raise ValueError(f"there is no {missing[0]} inside that depends on the picture")
        self._forget()

    def _take(self, node: Any, values: dict[str, Tensor], opset: int) -> None:
        """Computes a node: for good where nothing of it depends on the input, else as a step of every call."""
        attributes = _attributes(node)
        if node.op_type == "Shape":
            sizes = (values | self._known)[node.input[0]].shape
            self._known[node.output[0]] = torch.tensor(sizes[attributes.get("start", 0) : attributes.get("end")])
            return
        if node.op_type == "Constant":
            (value,) = attributes.values()
            self._known[node.output[0]] = value if isinstance(value, Tensor) else torch.tensor(value)
            return
        if node.op_type not in OPERATORS:
            raise ValueError(f"the operator {node.op_type} of {node.name or node.output[0]} is not known here")
        operator = OPERATORS[node.op_type]
        if unread := sorted(name for name, value in attributes.items() if value and name not in operator.reads):
            raise ValueError(f"{node.op_type} of {node.name or node.output[0]} with {unread[0]} is not known here")
        attributes |= {"opset": opset, "outputs": len(node.output)}
        arguments = [name if name in values else self._known[name] if name else None for name in node.input]
        if not any(isinstance(argument, str) for argument in arguments):
            _compute(_Step(operator.of, attributes, tuple(arguments), tuple(node.output)), self._known)
            return
        there = tuple(self._placed(argument, node.op_type) for argument in arguments)
        step = _Step(operator.of, self._cast(attributes), there, tuple(node.output))
        _compute(step, values)
        self._steps.append(step)

    def _placed(self, argument: str | Tensor | None, kind: str) -> str | Tensor | None:
        """Returns what is known as it is computed with: numbers on the device, and sizes, axes and bounds here."""
        if not isinstance(argument, Tensor) or kind == "Clip":
            return argument
        if not argument.is_floating_point():
            return argument.to(self._like.device) if kind == "Gather" else argument
        placed = argument.to(self._like.device, self._like.dtype)
        return placed.contiguous(memory_format=torch.channels_last) if placed.ndim == 4 else placed

    def _cast(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Returns attributes with every type of real numbers that of the input."""
        to = attributes.get("to")
        real = isinstance(to, torch.dtype) and to.is_floating_point
        return {**attributes, "to": self._like.dtype} if real else attributes

    def _forget(self) -> None:
        """Notes after which step each value is not wanted any more."""
        wanted = set(self._wanted)
        for i in reversed(range(len(self._steps))):
            step = self._steps[i]
            names = {name for name in (*step.arguments, *step.outputs) if isinstance(name, str)}
            self._steps[i] = step._replace(over=tuple(sorted(names - wanted - {self._input})))
            wanted |= names


def _read(file: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise DataError(f"nothing here reads {file.name} for a GPU: pip install onnx") from None
    try:
        return onnx.load(file)
    except (OSError, DecodeError) as error:
        raise DataError(f"{file}: no ONNX file, or damaged: {error}") from error


def _compute(step: _Step, values: dict[str, Tensor]) -> None:
    arguments = [values[each] if isinstance(each, str) else each for each in step.arguments]
    out = step.of(step.attributes, *arguments)
    values.update(zip(step.outputs, out if isinstance(out, tuple) else (out,), strict=True))


def _attributes(node: Any) -> dict[str, Any]:
    import onnx

    found = {}
    for one in node.attribute:
        value = onnx.helper.get_attribute_value(one)
        if one.type == onnx.AttributeProto.TENSOR:
            value = _tensor(value)
        if one.name == "to":
            value = _tensor(onnx.helper.make_tensor("", value, [0], [])).dtype
        found[one.name] = value
    return found


def _tensor(proto: Any) -> Tensor:
    from onnx import numpy_helper

    array = torch.from_numpy(numpy_helper.to_array(proto).copy())
    return array.float() if array.is_floating_point() else array
