"""The operations that two targets run on int8, with the limits of each: a rule looks at a node and says what is wrong.

XNNPACK: "Quantized Operators" of tflite/delegates/xnnpack/README.md in google-ai-edge/LiteRT. What is not listed there
still runs, in TFLite's own kernels, but breaks the graph up.

Edge TPU: https://coral.ai/docs/edgetpu/models-intro/#supported-operations, compiler 16, runtime 14. The compiler hands
the first operation that it refuses, and all after it, to the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.compact import INT8_VERSIONS
from training.graph import Node

Rule = Callable[[Node], str | None]
"""Returns what is wrong with a node of this kind, None if nothing is."""

FUSED = {"NONE", "RELU", "RELU6", "RELU_N1_TO_1"}


def _all(*rules: Rule) -> Rule:
    return lambda node: next((said for rule in rules if (said := rule(node))), None)


def _fine(_node: Node) -> None:
    return None


def _fused(node: Node) -> str | None:
    return None if node.activation in FUSED else f"its fused {node.activation} has no int8 kernel"


def _unfused(node: Node) -> str | None:
    return None if node.activation == "NONE" else f"no fused activation function is allowed, it has {node.activation}"


def _weights(node: Node) -> str | None:
    """Filter and bias are there and constant."""
    for position, what in ((1, "filter"), (2, "bias")):
        tensor = node.inputs[position] if position < len(node.inputs) else None
        if tensor is None and what == "bias" and node.name == "FULLY_CONNECTED":
            continue
        if tensor is None:
            return f"it has no {what}"
        if not tensor.constant:
            return f"its {what} {tensor.name} is not constant"
    return None


def _parameters(node: Node) -> str | None:
    """All inputs but the first are constant."""
    bad = next((tensor.name for tensor in node.inputs[1:] if tensor is not None and not tensor.constant), None)
    return f"its parameter {bad} is not constant" if bad else None


def _count(most: int, *, of: str) -> Rule:
    def rule(node: Node) -> str | None:
        number = len(getattr(node, of))
        return None if 2 <= number <= most else f"it has {number} {of}, not 2 to {most}"

    return rule


def _axes(node: Node) -> tuple[int, ...]:
    """The axes of a reduction, counted from the front; none if they are not constant."""
    tensor, rank = node.inputs[1], len(node.inputs[0].shape) if node.inputs[0] else 0
    values = tensor.values if tensor is not None else None
    return () if values is None else tuple(sorted(int(axis) % rank for axis in values))


def _spatial(node: Node) -> str | None:
    rank = len(node.inputs[0].shape) if node.inputs[0] else 0
    if rank == 4 and _axes(node) in {(1, 2), (2,)}:
        return None
    return f"it reduces axes {list(_axes(node))} of {rank} dimensions; only [1, 2] or [2] of 4 have an int8 kernel"


def _not_the_batch(node: Node) -> str | None:
    axes = _axes(node)
    if not axes:
        return "its axes are not constant"
    first = node.inputs[0]
    if 0 in axes and first is not None and len(first.shape) > 3:
        return "it reduces the batch dimension"
    return None


def _mean(node: Node) -> str | None:
    first = node.inputs[0]
    if said := _not_the_batch(node):
        return said
    if first is not None and len(first.shape) - 1 in _axes(node) and first.shape[-1] % 4:
        return f"it reduces {first.shape[-1]} channels, not a multiple of 4"
    return None


def _dilation(node: Node) -> str | None:
    both = node.options.get("dilationWFactor", 1), node.options.get("dilationHFactor", 1)
    return None if both[0] == both[1] else f"its dilation is {both[0]} across and {both[1]} down, not the same"


def _padding(node: Node) -> str | None:
    values = node.inputs[1].values if node.inputs[1] is not None else None
    if values is None:
        return "its padding is not constant"
    if values.min() < 0:
        return "it takes away at the edges"
    return None


def _pads_no_batch(node: Node) -> str | None:
    values = node.inputs[1].values if node.inputs[1] is not None else None
    return "it pads the batch dimension" if values is not None and len(values) == 8 and values[:2].any() else None


def _default_format(node: Node) -> str | None:
    return "its weights are not in the default format" if node.options.get("weightsFormat", 0) else None


def _one_dimension(node: Node) -> str | None:
    shape = node.outputs[0].shape
    long = [n for n in shape if n > 1]
    return None if len(long) <= 1 else f"its output {shape} has more than one dimension"


def _concatenation(node: Node) -> str | None:
    constants = [tensor for tensor in node.inputs if tensor is not None and tensor.constant]
    return "it joins a constant" if constants and len(node.inputs) != 2 else _unfused(node)


def _ones(node: Node) -> str | None:
    strides = node.inputs[3].values if len(node.inputs) > 3 and node.inputs[3] is not None else None
    masks = node.options.get("ellipsisMask", 0) or node.options.get("newAxisMask", 0)
    return None if strides is not None and (strides == 1).all() and not masks else "it takes steps other than 1"


def _slope(node: Node) -> str | None:
    alpha = node.inputs[1]
    return None if alpha is None or all(n == 1 for n in alpha.shape[:-1]) else "its slopes differ between pixels"


def _ratio(node: Node) -> str | None:
    before, after = node.inputs[0], node.outputs[0]
    if before is None or not (len(before.scales) and len(after.scales)):
        return "it leaves int8"
    ratio = float(before.scales[0] / after.scales[0])
    return None if 2**-8 <= ratio <= 2**7 else f"it changes the scale {ratio:.3g} times, not 2^-8 to 2^7"


XNNPACK: Mapping[str, Rule] = {
    **dict.fromkeys(("ADD", "MUL", "SUB"), _fused),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), _all(_weights, _fused)),
    **dict.fromkeys(("DEPTH_TO_SPACE", "ELU", "LEAKY_RELU", "LOGISTIC", "SPACE_TO_DEPTH", "TANH"), _fine),
    **dict.fromkeys(("RESHAPE", "RESIZE_BILINEAR", "SLICE", "TRANSPOSE"), _parameters),
    "CONCATENATION": _count(4, of="inputs"),
    "MAX_POOL_2D": _fused,
    "MEAN": _all(_parameters, _spatial),
    "PAD": _padding,
    "QUANTIZE": _ratio,
    "SPLIT": _count(4, of="outputs"),
    "TRANSPOSE_CONV": _fine,
}

EDGETPU: Mapping[str, Rule] = {
    **dict.fromkeys(("ADD", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB"), _fine),
    **dict.fromkeys(("EXPAND_DIMS", "L2_NORMALIZATION", "LOGISTIC", "QUANTIZE", "RSQRT", "SOFTMAX", "TANH"), _fine),
    **dict.fromkeys(("PACK", "RELU", "RELU6", "RELU_N1_TO_1", "SPACE_TO_DEPTH", "SPLIT", "SQUEEZE"), _fine),
    **dict.fromkeys(("RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "TRANSPOSE"), _parameters),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _all(_weights, _dilation)),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _unfused),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "SUM"), _not_the_batch),
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _all(_weights, _default_format, _one_dimension),
    "MEAN": _mean,
    "PAD": _all(_padding, _pads_no_batch),
    "PRELU": _slope,
    "STRIDED_SLICE": _ones,
    "TRANSPOSE_CONV": _fine,
}

LAST_VERSIONS = {"CONV_2D": 5, "RESIZE_BILINEAR": 2, "RESIZE_NEAREST_NEIGHBOR": 2, "TRANSPOSE_CONV": 3}
"""The last version of an operation that the Edge TPU's compiler takes: google-coral/edgetpu issues 631 and 845 on
compiler 16, 187 on compiler 15 (resizing with half-pixel centres, which is version 3; not tried on 16)."""


def version(node: Node) -> str | None:
    """Returns what an Edge TPU compiler that goes by versions would not like about a node's."""
    least, most = INT8_VERSIONS.get(node.name, 1), LAST_VERSIONS.get(node.name)
    if node.version < least:
        return f"version {node.version} of it is from before int8, which came with version {least}"
    if most is not None and node.version > most:
        return f"version {node.version} of it is newer than the compiler, which knows {most}"
    return None
