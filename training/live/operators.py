"""What the operators of an ONNX graph do, in PyTorch (https://onnx.ai/onnx/operators).

Each takes a node's attributes, with `opset` and `outputs` (how many) beside them, and its inputs. Those that say sizes
and axes are known before anything is computed, and come as tensors of whole numbers on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

Attributes: TypeAlias = Mapping[str, Any]
Function: TypeAlias = Callable[..., Any]
"""Returns a tensor, or several where a node has several outputs."""


class Operator(NamedTuple):
    """A function, and the attributes that it goes by: with any other the node would be another."""

    of: Function
    reads: frozenset[str]


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
    taken = x.index_select(axis, (index % x.shape[axis]).flatten())  # -1 is the last
    return taken.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def _softmax(a: Attributes, x: Tensor) -> Tensor:
    axis = a.get("axis", -1 if a["opset"] >= 13 else 1) % x.ndim
    if a["opset"] < 13 and axis != x.ndim - 1:
        raise ValueError("a softmax of before opset 13 over several axes")
    return x.softmax(axis)


def _slice(_: Attributes, x: Tensor, starts: Tensor, ends: Tensor, *rest: Tensor | None) -> Tensor:
    axes, steps = _numbers(*rest[:1]) or range(len(starts)), _numbers(*rest[1:]) or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps, strict=True):
        at = [slice(None)] * x.ndim
        at[axis] = slice(start, end, step)
        x = x[tuple(at)]
    return x


def _reshape(_: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def _numbers(*given: Tensor | None) -> list[int] | None:
    """Returns the whole numbers of an input that may be left out, None where it is."""
    return [int(number) for number in given[0].tolist()] if given and given[0] is not None else None


def _axes(a: Attributes, axes: tuple[Tensor | None, ...]) -> list[int] | None:
    """Returns the axes that a node names: an attribute in older graphs, an input in newer ones; None for none."""
    named = _numbers(*axes)
    return a.get("axes") if named is None else named


def _squeeze(a: Attributes, x: Tensor, *axes: Tensor | None) -> Tensor:
    named = _axes(a, axes)
    return x.squeeze() if named is None else x.squeeze(tuple(named))


def _unsqueeze(a: Attributes, x: Tensor, *axes: Tensor | None) -> Tensor:
    named = _axes(a, axes) or []
    for axis in sorted(axis % (x.ndim + len(named)) for axis in named):
        x = x.unsqueeze(axis)
    return x


def _split(a: Attributes, x: Tensor, *sizes: Tensor | None) -> tuple[Tensor, ...]:
    axis, named = a.get("axis", 0), _numbers(*sizes) or a.get("split")
    parts: tuple[Tensor, ...] = x.split(named or -(-x.shape[axis] // a["outputs"]), axis)
    return parts


def _reduce(how: Callable[..., Tensor]) -> Function:
    def of(a: Attributes, x: Tensor, *axes: Tensor | None) -> Tensor:
        return how(x, dim=_axes(a, axes) or list(range(x.ndim)), keepdim=bool(a.get("keepdims", 1)))

    return of


def _clip(a: Attributes, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    least, most = a.get("min") if low is None else float(low), a.get("max") if high is None else float(high)
    return x.clamp(least, most)


def _flatten(a: Attributes, x: Tensor) -> Tensor:
    return x.reshape(math.prod(x.shape[: a.get("axis", 1)]), -1)


def _constant_of_shape(a: Attributes, shape: Tensor) -> Tensor:
    value: Tensor = a.get("value", torch.zeros(1))
    return value.expand(shape.tolist())


def _operators(**named: tuple[Function, str]) -> dict[str, Operator]:
    return {name: Operator(of, frozenset(reads.split())) for name, (of, reads) in named.items()}


OPERATORS: Mapping[str, Operator] = _operators(
    Add=(lambda _, x, y: x + y, ""),
    BatchNormalization=(_batch_norm, "epsilon momentum"),
    Cast=(lambda a, x: x.to(a["to"]), "to"),
    Clip=(_clip, "min max"),
    Concat=(lambda a, *xs: torch.cat(xs, a["axis"]), "axis"),
    ConstantOfShape=(_constant_of_shape, "value"),
    Conv=(_conv, "auto_pad dilations group kernel_shape pads strides"),
    Cos=(lambda _, x: x.cos(), ""),
    CumSum=(lambda _, x, axis: x.cumsum(int(axis)), ""),
    Div=(_div, ""),
    Erf=(lambda _, x: x.erf(), ""),
    Expand=(lambda _, x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())), ""),
    Flatten=(_flatten, "axis"),
    Gather=(_gather, "axis"),
    Gemm=(_gemm, "alpha beta transA transB"),
    GlobalAveragePool=(lambda _, x: x.mean((2, 3), keepdim=True), ""),
    Identity=(lambda _, x: x, ""),
    LayerNormalization=(_layer_norm, "axis epsilon stash_type"),
    MatMul=(lambda _, x, y: x @ y, ""),
    Mul=(lambda _, x, y: x * y, ""),
    Not=(lambda _, x: ~x, ""),
    PRelu=(lambda _, x, slope: F.prelu(x, slope.flatten()), ""),
    ReduceL2=(_reduce(torch.linalg.vector_norm), "axes keepdims"),
    ReduceMean=(_reduce(torch.mean), "axes keepdims"),
    Relu=(lambda _, x: x.relu(), ""),
    Reshape=(_reshape, ""),
    Sigmoid=(lambda _, x: x.sigmoid(), ""),
    Sin=(lambda _, x: x.sin(), ""),
    Slice=(_slice, ""),
    Softmax=(_softmax, "axis"),
    Split=(_split, "axis split num_outputs"),
    Sqrt=(lambda _, x: x.sqrt(), ""),
    Squeeze=(_squeeze, "axes"),
    Sub=(lambda _, x, y: x - y, ""),
    Transpose=(lambda a, x: x.permute(a.get("perm", list(range(x.ndim))[::-1])), "perm"),
    Unsqueeze=(_unsqueeze, "axes"),
)
