"""Quantisation-aware fine-tuning: a trained net goes on learning with the rounding of int8 in its way.

Where a file rounds, the net rounds: weights in each output channel by their widest value, with batch norm folded in;
the maps between operations by one range each (Jacob et al. 2018). Gradients pass as if nothing had been rounded
(straight through, Bengio et al. 2013), but not where a range cuts off; there they move the range (PACT, Choi et al.
2018). Batch norm stays as it was learnt. All in float32: bfloat16 has fewer steps than int8 has between 0 and its top.

    ranges = observe(net, samples)               # what post-training quantisation would take
    tuned = prepare_qat(net, ranges)             # train this one like any net
    net, ranges = finish_qat(tuned)
    export_float(net, shape, float_file)
    quantise(float_file, samples, path, ranges=tensor_ranges(net, ranges, float_file, sample))

`folding.project` and `folding.equalise` come before, since they change ranges.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from agent.errors import ConfigError, ModelError
from training.nets.layers import ConvDepthwise, GlobalDepthwise
from training.quantise import Ranges, tensors_of
from training.rounding import Folded, Rounding, Watching

CLOSE = 1e-3  # of the largest value: how far PyTorch and TFLite may differ on one and the same map
INPUT = "input"


class Tuned(nn.Module):
    """A net with rounding in its way. `net` is the one given: its layers are here under other names, not copied."""

    def __init__(self, net: nn.Module, traced: fx.GraphModule, sites: Mapping[str, str]) -> None:
        super().__init__()
        self.traced, self.sites, self.dimension = traced, dict(sites), net.dimension
        self._given = (net,)  # in a tuple: registered, every weight would be twice in the state

    @property
    def net(self) -> nn.Module:
        """The net given."""
        return self._given[0]

    def ranges(self) -> Ranges:
        """Returns where each map is cut off now."""
        return {name: self.traced.get_submodule(path).ends() for name, path in self.sites.items()}

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            y: Tensor = self.traced(x.float())
        return y


def prepare_qat(net: nn.Module, ranges: Ranges) -> Tuned:
    """Returns a net that rounds as the int8 file will, to be trained for a while at a small rate.

    Args:
        net: trained and of one size (`fix`); its weights are trained on, not copied.
        ranges: from `observe`.

    Raises:
        ConfigError: a recurrent net, or ranges of another net.
    """

    def rounding(name: str) -> nn.Module:
        if name not in ranges:
            raise ConfigError(f"the ranges are of another net: they lack {name}")
        return Rounding(*ranges[name])

    traced, sites = _rewritten(net, rounding, fold=True)
    traced.delete_all_unused_submodules()
    return Tuned(net, traced.to(next(net.parameters()).device), sites)


def finish_qat(tuned: Tuned) -> tuple[nn.Module, Ranges]:
    """Returns the net given to `prepare_qat` with its weights now, in evaluation mode, and the ranges learnt."""
    return tuned.net.eval(), tuned.ranges()


@torch.no_grad()
def observe(net: nn.Module, samples: Tensor) -> Ranges:
    """Returns the range of every map that int8 rounds, as post-training quantisation would have it.

    Args:
        net: trained and of one size (`fix`).
        samples: what it takes, from training data.
    """
    traced, sites = _rewritten(net.eval(), lambda _name: Watching(), fold=False)
    for batch in samples.split(64):
        traced(batch)
    watching = {name: traced.get_submodule(path) for name, path in sites.items()}
    return {name: (one.low, one.high) for name, one in watching.items()}


@torch.no_grad()
def tensor_ranges(net: nn.Module, ranges: Ranges, float_file: Path, sample: Tensor) -> Ranges:
    """Returns ranges by the names that the maps have in a float file.

    Both are given the same sample; a map and a tensor that hold the same numbers are the same.

    Args:
        net: that the file was exported from.
        ranges: by the names of `observe`; maps that are not in it are left to calibration.
        float_file: from `training.quantise.export_float`.
        sample: (1, ...) as the net takes it.

    Raises:
        ModelError: a map is not in the file, which is then of another net.
    """
    traced, sites = _rewritten(net.eval(), lambda _name: Watching(), fold=False)
    traced(sample)
    nhwc = sample.permute(0, 2, 3, 1) if sample.ndim == 4 else sample
    held = tensors_of(float_file, nhwc.numpy())
    found: dict[str, tuple[float, float]] = {}
    for name in ranges:
        path = sites[name]
        value = traced.get_submodule(path).last
        same = [tensor for tensor, values in held.items() if _same(value, values)]
        if not same:
            raise ModelError(f"{float_file}: no tensor holds what the net says at {name}: exported from another net")
        found |= dict.fromkeys(same, ranges[name])
    return found


def _same(value: Tensor, held: np.ndarray[Any, Any]) -> bool:
    """Whether an NCHW map of PyTorch and an NHWC tensor of TFLite hold the same numbers."""
    here = (value.permute(0, 2, 3, 1) if value.ndim == 4 else value).numpy()
    if here.size != held.size or held.dtype != np.float32:
        return False
    return bool(np.abs(here.ravel() - held.ravel()).max() <= CLOSE * max(np.abs(here).max(), 1e-6))


class _Tracer(fx.Tracer):
    """Goes into our own blocks, not into layers."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return isinstance(module, ConvDepthwise | GlobalDepthwise) or super().is_leaf_module(module, qualified_name)


def _rewritten(net: nn.Module, make: Any, *, fold: bool) -> tuple[fx.GraphModule, dict[str, str]]:
    """Returns the net's graph with a module after every map that a file rounds, and where those are, by name.

    Args:
        net: to be traced.
        make: takes the name of a map, returns the module.
        fold: convolutions become `Folded`, and their batch norms vanish.
    """
    if any(isinstance(module, nn.RNNBase) for module in net.modules()):
        raise ConfigError("a recurrent net cannot be tuned to int8: use the family `tcn`, or quantise after training")
    root, graph, sites = nn.Module(), _Tracer().trace(net), {}
    root.net = net
    for node in list(graph.nodes):
        if node.op == "call_module":
            node.target = f"net.{node.target}"
    traced = fx.GraphModule(root, graph)
    traced.sites, traced.folded = nn.ModuleList(), nn.ModuleList()
    for node in list(graph.nodes):
        name = _site(node, traced)
        if name is None:
            continue
        end = _fold(node, traced, graph) if fold and node.op == "call_module" else _end(node, traced)
        sites[name] = f"sites.{len(traced.sites)}"
        traced.sites.append(make(name))
        with graph.inserting_after(end):
            after = graph.call_module(sites[name], (end,))
        end.replace_all_uses_with(after, delete_user_cb=lambda user, after=after: user is not after)
    graph.lint()
    traced.recompile()
    return traced, sites


def _site(node: fx.Node, traced: fx.GraphModule) -> str | None:
    """Returns the name of the map that begins with a node; None where nothing is rounded."""
    if node.op == "placeholder":
        return INPUT
    if node.op == "call_module" and isinstance(_module(node, traced), nn.Conv2d | GlobalDepthwise):
        return str(node.target).removeprefix("net.")
    if (node.op, node.target) in {("call_function", operator.add), ("call_method", "mean")}:
        return str(node.name)
    return None


def _end(node: fx.Node, traced: fx.GraphModule) -> fx.Node:
    """Returns the node whose output is written: batch norm and ReLU6 are part of the operation before."""
    while len(node.users) == 1:
        (user,) = node.users
        module = _module(user, traced)
        if not (isinstance(module, nn.BatchNorm2d | nn.ReLU6) or user.target is F.relu6):
            break
        node = user
    return node


def _fold(node: fx.Node, traced: fx.GraphModule, graph: fx.Graph) -> fx.Node:
    """Puts `Folded` in place of a convolution and its batch norm; returns the end of the operation."""
    last, norm = node, None
    if len(node.users) == 1 and isinstance(found := _module(next(iter(node.users)), traced), nn.BatchNorm2d):
        last, norm = next(iter(node.users)), found
    traced.folded.append(Folded(_module(node, traced), norm))
    with graph.inserting_after(last):
        folded = graph.call_module(f"folded.{len(traced.folded) - 1}", node.args)
    last.replace_all_uses_with(folded)
    for gone in dict.fromkeys((last, node)):
        graph.erase_node(gone)
    return _end(folded, traced)


def _module(node: fx.Node, traced: fx.GraphModule) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None
