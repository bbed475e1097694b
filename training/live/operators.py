"""What the operators of an ONNX graph do, in PyTorch (https://onnx.ai/onnx/operators).

Each takes a node's attributes and its inputs. Those that say sizes and axes are known before anything is computed, and
come as tensors of whole numbers on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

Attributes: TypeAlias = Mapping[str, Any]
Operator: TypeAlias = Callable[..., Any]
"""Returns a tensor, or several where a node has several outputs."""


def _conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or weight.ndim != 4:
        raise ValueError("a convolution that is padded by itself, or not of two dimensions")
    top, left, bottom, right = a.get("pads", [0] * 4)
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    stride, dilation = a.get("strides", (1, 1)), a.get("dilations", (1, 1))
    return F.conv2d(x, weight, bias, tuple(stride), (top, left), tuple(dilation), a.get("group", 1))


def _batch_norm(a: Attributes, x: Tensor, *four: Tensor) -> Tensor:
    scale, bias, mean, variance = four
    return F.batch_norm(x, mean, variance, scale, bias, eps=a.get("epsilon", 1e-5))


def _layer_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    if a.get("axis", -1) not in (-1, x.ndim - 1):
        raise ValueError("a layer norm over more than the last axis")
    return F.layer_norm(x, scale.shape, scale, bias, a.get("epsilon", 1e-5))


def _gemm(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    x, weight = (x.T if a.get("transA") else x), (weight.T if a.get("transB") else weight)
    product = a.get("alpha", 1.0) * (x @ weight)
    return product if bias is None else product + a.get("beta", 1.0) * bias


def _div(_: Attributes, x: Tensor, y: Tensor) -> Tensor:
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def _gather(a: Attributes, x: Tensor, index: Tensor) -> Tensor:
    axis = a.get("axis", 0) % x.ndim
    taken = x.index_select(axis, index.flatten().to(x.device))
    return taken.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def _slice(_: Attributes, x: Tensor, starts: Tensor, ends: Tensor, *rest: Tensor) -> Tensor:
    axes = rest[0].tolist() if rest else range(len(starts))
    steps = rest[1].tolist() if len(rest) > 1 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps, strict=True):
        at = [slice(None)] * x.ndim
        at[axis] = slice(start, end, step)
        x = x[tuple(at)]
    return x


def _reshape(_: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def _axes(a: Attributes, axes: tuple[Tensor, ...]) -> list[int]:
    """Returns the axes that a node names: an attribute in older graphs, an input in newer ones."""
    return [int(axis) for axis in (axes[0].tolist() if axes else a["axes"])]


def _unsqueeze(a: Attributes, x: Tensor, *axes: Tensor) -> Tensor:
    named = _axes(a, axes)
    for axis in sorted(axis % (x.ndim + len(named)) for axis in named):
        x = x.unsqueeze(axis)
    return x


def _split(a: Attributes, x: Tensor, *sizes: Tensor) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = x.split(
        [int(size) for size in (sizes[0].tolist() if sizes else a["split"])], a.get("axis", 0)
    )
    return parts


def _reduce(how: Callable[..., Tensor]) -> Operator:
    def of(a: Attributes, x: Tensor, *axes: Tensor) -> Tensor:
        return how(x, dim=_axes(a, axes), keepdim=bool(a.get("keepdims", 1)))

    return of


def _clip(a: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    least, most = a.get("min") if low is None else float(low), a.get("max") if high is None else float(high)
    return x.clamp(least, most)


def _flatten(a: Attributes, x: Tensor) -> Tensor:
    axis = a.get("axis", 1)
    return x.reshape(int(torch.tensor(x.shape[:axis]).prod()), -1)


def _constant_of_shape(a: Attributes, shape: Tensor) -> Tensor:
    value: Tensor = a.get("value", torch.zeros(1))
    return value.expand(shape.tolist())


OPERATORS: Mapping[str, Operator] = {
    "Add": lambda _, x, y: x + y,
    "BatchNormalization": _batch_norm,
    "Cast": lambda a, x: x.to(a["to"]),
    "Clip": _clip,
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "Cos": lambda _, x: x.cos(),
    "CumSum": lambda _, x, axis: x.cumsum(int(axis)),
    "Div": _div,
    "Erf": lambda _, x: x.erf(),
    "Expand": lambda _, x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Identity": lambda _, x: x,
    "LayerNormalization": _layer_norm,
    "MatMul": lambda _, x, y: x @ y,
    "Mul": lambda _, x, y: x * y,
    "Not": lambda _, x: ~x,
    "PRelu": lambda _, x, slope: F.prelu(x, slope.flatten()),
    "ReduceL2": _reduce(torch.linalg.vector_norm),
    "ReduceMean": _reduce(torch.mean),
    "Relu": lambda _, x: x.relu(),
    "Reshape": _reshape,
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Sin": lambda _, x: x.sin(),
    "Slice": _slice,
    "Softmax": lambda a, x: x.softmax(a.get("axis", -1)),
    "Split": _split,
    "Sqrt": lambda _, x: x.sqrt(),
    "Squeeze": lambda a, x, *axes: x.squeeze(_axes(a, axes)),
    "Sub": lambda _, x, y: x - y,
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Unsqueeze": _unsqueeze,
}
