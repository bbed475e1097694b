"""A look at a .tflite file before anyone relies on it: does it stay int8 on the CPU, would an Edge TPU take it whole?

The check is static. It goes by the lists that the two projects publish (`training.operations`); the Edge TPU's compiler
itself, which may refuse a size that its list does not mention, has to be run elsewhere: it exists for Debian on x86-64
only, from Google's own server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.graph import Graph, Node, Tensor, read_graph
from training.operations import EDGETPU, XNNPACK, Rule, version

TARGETS: Mapping[str, tuple[str, Mapping[str, Rule]]] = {
    "xnnpack": ("XNNPACK", XNNPACK),
    "edgetpu": ("the Edge TPU", EDGETPU),
}
ON_CHIP = 8 * 2**20  # bytes of memory on an Edge TPU; what is beyond is fetched anew for every picture


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where."""

    target: str  # one of TARGETS, or "file"
    reason: str
    node: int | None = None  # index of the operation
    operation: str = ""
    tensors: tuple[str, ...] = ()  # names of its outputs, or of the tensor that is wrong

    def __str__(self) -> str:
        """One line: target, where, reason."""
        where = f"operation {self.node} ({self.operation}, writes {', '.join(self.tensors)})"
        place = where if self.node is not None else ", ".join(self.tensors)
        return f"{self.target}: {place + ': ' if place else ''}{self.reason}"


def check(path: Path, targets: Sequence[str] = tuple(TARGETS), *, most_bytes: int | None = None) -> list[Finding]:
    """Returns what keeps a file from running as meant; nothing if it is good.

    Args:
        path: the file.
        targets: of `TARGETS`.
        most_bytes: how large the file may be.

    Raises:
        ModelError: the file cannot be read, or is no TFLite file.
        ValueError: an unknown target.
    """
    if unknown := [target for target in targets if target not in TARGETS]:
        raise ValueError(f"no target {', '.join(unknown)}: there are {', '.join(TARGETS)}")
    graph = read_graph(path)
    findings = list(_ends(graph, most_bytes))
    for target in targets:
        findings += [_at(target, node, said) for node in graph.nodes if (said := _node(node, target))]
        if target == "edgetpu":
            findings += _edgetpu(graph)
    return findings


def table(findings: Sequence[Finding]) -> str:
    """Returns the findings in words, one a line."""
    return "\n".join(f"  {finding}" for finding in findings)


def _ends(graph: Graph, most_bytes: int | None) -> Iterator[Finding]:
    """What holds for every target: the size, and what goes in and comes out."""
    if most_bytes is not None and graph.size > most_bytes:
        yield Finding("file", f"{graph.size:,} bytes, {most_bytes:,} are allowed")
    if len(graph.inputs) != 1:
        yield Finding("file", f"{len(graph.inputs)} inputs, not 1", tensors=tuple(t.name for t in graph.inputs))
    if graph.subgraphs != 1:
        yield Finding("file", f"{graph.subgraphs} subgraphs, not 1: it has loops or branches")
    for what, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in tensors:
            if tensor.dtype != "int8":
                yield Finding("file", f"the {what} is {tensor.dtype}, not int8", tensors=(tensor.name,))
            if not tensor.fixed:
                yield Finding("file", f"the {what} may change its shape", tensors=(tensor.name,))
            if tensor.shape[:1] != (1,):
                yield Finding("file", f"the {what} is {tensor.shape}: not one at a time", tensors=(tensor.name,))


def _at(target: str, node: Node, reason: str) -> Finding:
    return Finding(target, reason, node.index, node.name, tuple(tensor.name for tensor in node.outputs))


def _node(node: Node, target: str) -> str | None:
    """Returns what a target has against a node."""
    name, rules = TARGETS[target]
    if node.name not in rules:
        return f"{name} has no int8 kernel for it" if target == "xnnpack" else f"{name} does not know it"
    if said := rules[node.name](node):
        return said
    return next((said for tensor in (*node.inputs, *node.outputs) if tensor and (said := _whole(tensor))), None)


def _whole(tensor: Tensor) -> str | None:
    """Returns what is wrong with a tensor: all are int8, biases and parameters int32, and of one shape."""
    if tensor.dtype != "int8" and not (tensor.constant and tensor.dtype == "int32"):
        return f"{tensor.name} is {tensor.dtype}, not int8"
    if tensor.dtype == "int8" and not len(tensor.scales):
        return f"{tensor.name} has no scale"
    if len(tensor.scales) > 1 and not tensor.constant:
        return f"{tensor.name} has a scale for each channel, which only weights may"
    return None if tensor.fixed else f"{tensor.name} may change its shape"


def _edgetpu(graph: Graph) -> Iterator[Finding]:
    """What the Edge TPU's compiler wants beyond single operations."""
    if graph.weights_outside:
        reason = "the weights stand behind the FlatBuffer, where the compiler of 2021 does not look: training.compact"
        yield Finding("edgetpu", reason)
    if graph.size > ON_CHIP:
        yield Finding("edgetpu", f"{graph.size:,} bytes do not fit the {ON_CHIP:,} on the chip")
    kinds = {node.name: node for node in reversed(graph.nodes)}  # the first of each: a version is that of all
    for node in reversed(kinds.values()):
        if said := version(node):
            yield _at("edgetpu", node, said)
    for tensor in graph.tensors:
        if not tensor.constant and len(tensor.shape) > 3 and any(n > 1 for n in tensor.shape[:-3]):
            yield Finding("edgetpu", f"only its last 3 dimensions may exceed 1: {tensor.shape}", tensors=(tensor.name,))
