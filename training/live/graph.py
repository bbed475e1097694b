"""An ONNX file as a function on a device of PyTorch's: a GPU that trains asks the reference encoders as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from training.data.errors import DataError
from training.live.operators import OPERATORS, Operator


class _Step(NamedTuple):
    """One node that depends on the input."""

    of: Operator
    attributes: dict[str, Any]
    arguments: tuple[str | Tensor | None, ...]  # names of what was computed, or what is known
    outputs: tuple[str, ...]
    over: tuple[str, ...]  # what nobody wants afterwards


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
        self._wanted = [inner] if inner else []
        self._like, self._steps = like, list[_Step]()
        self._known: dict[str, Tensor] = {}
        nodes, name, output = self._read(file)
        self._input, self._wanted = name, [output, *self._wanted]
        values = {name: like}
        try:
            for node in nodes:
                self._take(node, values)
        except (RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
            raise DataError(f"{file}: cannot be computed here: {' '.join(str(error).split())}") from error
        if missing := [wanted for wanted in self._wanted if wanted not in values]:
            raise DataError(f"{file}: there is no {missing[0]} inside")
        self._forget()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Returns the output, and what was wanted inside; x is like `like`."""
        values = {self._input: x}
        for step in self._steps:
            _compute(step, values)
            for name in step.over:
                del values[name]
        return tuple(values[name] for name in self._wanted)

    def _read(self, file: Path) -> tuple[Sequence[Any], str, str]:
        try:
            import onnx
        except ImportError:
            raise DataError(f"nothing here reads {file.name} for a GPU: pip install onnx") from None
        try:
            graph = onnx.load(file).graph
        except Exception as error:  # protobuf's own, which it does not name
            raise DataError(f"{file}: no ONNX file, or damaged: {error}") from error
        self._known = {one.name: _tensor(one) for one in graph.initializer}
        inputs = [one.name for one in graph.input if one.name not in self._known]
        if len(inputs) != 1 or not graph.output:
            raise DataError(f"{file}: want one input and an output, it has {len(inputs)} and {len(graph.output)}")
        return graph.node, inputs[0], graph.output[0].name

    @torch.no_grad()
    def _take(self, node: Any, values: dict[str, Tensor]) -> None:
        """Computes a node: for good where nothing of it depends on the input, else as a step of every call."""
        attributes = _attributes(node)
        if node.op_type == "Shape":
            self._known[node.output[0]] = torch.tensor((values | self._known)[node.input[0]].shape)
            return
        if node.op_type == "Constant":
            self._known[node.output[0]] = attributes["value"]
            return
        if node.op_type not in OPERATORS:
            raise ValueError(f"the operator {node.op_type} of {node.name or node.output[0]} is not known here")
        arguments = [name if name in values else self._known[name] if name else None for name in node.input]
        if not any(isinstance(argument, str) for argument in arguments):
            step = _Step(OPERATORS[node.op_type], attributes, tuple(arguments), tuple(node.output), ())
            _compute(step, self._known)
            return
        there = tuple(self._placed(argument) for argument in arguments)
        step = _Step(OPERATORS[node.op_type], self._cast(attributes), there, tuple(node.output), ())
        _compute(step, values)
        self._steps.append(step)

    def _placed(self, argument: str | Tensor | None) -> str | Tensor | None:
        """Returns what is known as it is computed with: arrays on the device, single numbers, sizes and axes here."""
        if isinstance(argument, Tensor) and argument.is_floating_point() and argument.ndim:
            placed = argument.to(self._like.device, self._like.dtype)
            return placed.contiguous(memory_format=torch.channels_last) if placed.ndim == 4 else placed
        return argument

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
        self._known.clear()


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
