"""The last layer learnt once more, alone, on what a trained net says before it.

While a whole net learns, every step moves what its last layer sees. Afterwards that stays: a picture costs a product,
the layer gets as many batches as it wants in a minute, and people can be told apart by a margin. The figures stand in
training/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.batches import Plan, Sampler
from training.data.collection import train_labels
from training.loop.learner import outputs
from training.loop.pace import schedule
from training.losses.total import Total
from training.nets.folding import embedding, set_embedding
from training.preset import Last
from training.sources import Source

BLOCK = 1024
CENTRES_FASTER = 3.0
"""A person's centre is in few batches, and moves faster for that."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the last layer sees of the training samples, and what is known of them."""

    rows: NDArray[np.int64]  # (N,) of the collection, upwards
    plain: Tensor  # (N, C) of the samples as they are
    varied: Tensor  # (N, C) as they might have come another time
    labels: Tensor  # (N,) int64, -1 where nobody knows
    teacher: Tensor | None  # (N, T) unit rows of the reference encoders


def learn_last(net: nn.Module, source: Source, options: Last, *, side: int | None, seed: int) -> None:
    """Trains the last layer of a net and leaves the others as they are.

    Args:
        net: trained; of one size (`fix`).
        source: its training samples are learnt from, half of them varied as in training.
        options: what for, how long and how fast.
        side: of the pictures that the net takes; None for sequences.
        seed: of what is drawn.

    Raises:
        ConfigError: a loss, or an option of it, does not exist.
        DataError: fewer people than a batch wants.
    """
    torch.manual_seed(seed)
    seen = _look(net, source, options.samples, side, seed)
    weight, bias = (part.requires_grad_() for part in embedding(net))
    losses = _losses(seen, source, options, seen.plain @ weight.detach().T + bias.detach())
    groups = [{"params": [weight, bias], "faster": 1.0}]
    if centres := list(losses.parameters()):
        groups.append({"params": centres, "faster": CENTRES_FASTER})
    optimiser = torch.optim.Adam(groups, lr=0.0)
    sampler = Sampler(replace(source.collection, train=seen.rows), Plan(options.batch, options.people), seed=seed)
    for step in range(options.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["faster"] * schedule(step / options.steps, options.rate, options.rate / 100)
        random = sampler.random(step)
        drawn = torch.from_numpy(np.searchsorted(seen.rows, sampler.rows(step, random)))
        as_it_is = torch.from_numpy(random.random((len(drawn), 1)) < 0.5)
        features = torch.where(as_it_is, seen.plain[drawn], seen.varied[drawn])
        teacher = None if seen.teacher is None else seen.teacher[drawn]
        parts = losses(features @ weight.T + bias, seen.labels[drawn], teacher)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        optimiser.step()
    set_embedding(net, weight.detach(), bias.detach())


def _losses(seen: Seen, source: Source, options: Last, said: Tensor) -> Total:
    """Returns the losses, which begin where the net already sees people and what the reference encoders say."""
    labels, classes = train_labels(source.collection)
    losses = Total(options.loss, classes=classes, dimension=said.shape[1])
    losses.meet(said, seen.labels)
    if source.collection.teacher is not None and seen.teacher is not None:
        train = source.collection.train
        losses.prepare(source.collection.teacher[train], labels[train])
        losses.turn_to(said, seen.teacher)
    return losses


def _look(net: nn.Module, source: Source, most: int, side: int | None, seed: int) -> Seen:
    """Returns what the last layer sees of everybody who is named, and of as many others as there is room for."""
    collection, random = source.collection, np.random.default_rng((seed, 2))
    train = random.permutation(collection.train)
    named_first = train[np.argsort(collection.identity[train] < 0, kind="stable")]
    rows = np.sort(named_first[:most])
    labels, _ = train_labels(collection)
    teacher = collection.teacher
    return Seen(
        rows,
        _features(net, rows, lambda row: source.plain(row, side)),
        _features(net, rows, lambda row: source.varied(row, side, random)[0]),
        torch.from_numpy(labels[rows]),
        None if teacher is None else torch.from_numpy(np.asarray(teacher[rows], np.float32)),
    )


def _features(net: nn.Module, rows: NDArray[np.int64], sample: Callable[[int], NDArray[Any]]) -> Tensor:
    """Returns (N, C) float32: what the last layer is given."""
    given: list[Tensor] = []
    last, _ = net.embedding
    hook = last.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].flatten(1).float().cpu()))
    for start in range(0, len(rows), BLOCK):
        outputs(net, np.stack([sample(int(row)) for row in rows[start : start + BLOCK]]))
    hook.remove()
    return torch.cat(given)
