"""The last layer learnt once more, alone, on what a trained net says before it.

While a whole net learns, every step moves what its last layer sees. Afterwards that stays: a picture costs a product,
the layer gets as many batches as it wants in a minute, and people can be told apart by a margin. The figures stand in
training/research/encoder.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agent.errors import ConfigError
from training.data.batches import Plan, Sampler
from training.data.collection import Collection, by_person, train_labels
from training.loop.learner import outputs
from training.loop.pace import schedule
from training.loop.progress import Progress
from training.losses.total import Total
from training.nets.folding import last_layer, set_last_layer
from training.preset import Last
from training.sources import Source

BLOCK = 1024
CENTRES_FASTER = 3.0
"""A person's centre is in few batches, and moves faster for that."""
NAMED = 0.75
"""Share of the samples that people who are named get at the most, where there are others."""


class Known(NamedTuple):
    """What is known of the samples that the last layer learns from."""

    labels: Tensor  # (N,) int64 below `classes`, -1 where nobody knows
    classes: int
    teacher: Tensor | None  # (N, T) float32 unit rows of the reference encoders


def check(collection: Collection, options: Last, dimension: int) -> None:
    """Looks whether a last layer could be learnt so, before hours of training are spent.

    Raises:
        ConfigError: a loss does not exist, or cannot be with these people and reference encoders; says which.
    """
    with torch.random.fork_rng(devices=[]):
        rows = _rows(collection, options.samples, np.random.default_rng(0))
        known = _known(collection, rows)
        try:
            losses = _losses(known, options, dimension)
            some = slice(0, 2 * options.people + 2)
            teacher = None if known.teacher is None else known.teacher[some]
            losses(torch.randn(len(known.labels[some]), dimension), known.labels[some], teacher)
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"[export.last]: {error}") from None


def learn_last(net: nn.Module, source: Source, options: Last, *, side: int | None, seed: int) -> None:
    """Trains the last layer of a net, on the CPU, and leaves the others as they are.

    Args:
        net: trained; of one size (`fix`).
        source: its training samples are learnt from, half of them varied as in training.
        options: what for, how long and how fast.
        side: of the pictures that the net takes; None for sequences.
        seed: of what is drawn.

    Raises:
        ConfigError: as `check`.
    """
    check(source.collection, options, net.embedding[1].num_features)
    torch.manual_seed(seed)
    random = np.random.default_rng((seed, 2))
    rows = _rows(source.collection, options.samples, random)
    known = _known(source.collection, rows)
    plain = _features(net, rows, lambda row: source.plain(row, side))
    varied = _features(net, rows, lambda row: source.varied(row, side, random)[0])
    weight, bias = (part.requires_grad_() for part in last_layer(net))
    losses, said = _losses(known, options, len(weight)), plain @ weight.detach().T + bias.detach()
    losses.meet(said, known.labels)
    if known.teacher is not None:
        losses.turn_to(said, known.teacher)
    groups = [{"params": [weight, bias], "faster": 1.0}]
    if centres := list(losses.parameters()):
        groups.append({"params": centres, "faster": CENTRES_FASTER})
    optimiser = torch.optim.Adam(groups, lr=0.0)
    for progress, drawn, as_it_is in _batches(source.collection, rows, options, seed):
        for group in optimiser.param_groups:
            group["lr"] = group["faster"] * schedule(progress, options.rate, options.rate / 100)
        features = torch.where(as_it_is, plain[drawn], varied[drawn])
        teacher = None if known.teacher is None else known.teacher[drawn]
        parts = losses(features @ weight.T + bias, known.labels[drawn], teacher)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        optimiser.step()
    set_last_layer(net, weight.detach(), bias.detach())


def _rows(collection: Collection, most: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Returns training rows, upwards: whole people up to a share, and others as many as there is room for."""
    people = list(by_person(collection, collection.train).values())
    named: list[NDArray[np.int64]] = []
    room = int(most * NAMED) if (collection.identity[collection.train] < 0).any() else most
    for i in random.permutation(len(people)).tolist():
        if len(people[i]) <= room:
            named.append(people[i])
            room -= len(people[i])
    others = collection.train[collection.identity[collection.train] < 0]
    left = most - sum(map(len, named))
    return np.sort(np.concatenate([*named, random.permutation(others)[:left]]))


def _known(collection: Collection, rows: NDArray[np.int64]) -> Known:
    labels, classes = train_labels(replace(collection, train=rows))
    teacher = collection.teacher
    said = None if teacher is None else torch.from_numpy(np.asarray(teacher[rows], np.float32))
    return Known(torch.from_numpy(labels[rows]), classes, said)


def _losses(known: Known, options: Last, dimension: int) -> Total:
    losses = Total(options.loss, classes=known.classes, dimension=dimension)
    if known.teacher is not None:
        losses.prepare(known.teacher.numpy(), known.labels.numpy())
    return losses


def _batches(
    collection: Collection, rows: NDArray[np.int64], options: Last, seed: int
) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Yields how much of it is done, places in `rows`, and (B, 1) whether each is taken as it is; and shows a bar."""
    part = replace(collection, train=rows)
    people = min(options.people, len(by_person(part, rows, least=2)))
    sampler = Sampler(part, Plan(min(options.batch, len(rows)), people), seed=seed)
    with Progress(options.steps * options.batch, shown=True) as bar:
        for step in range(options.steps):
            random = sampler.random(step)
            drawn = np.searchsorted(rows, sampler.rows(step, random))
            yield step / options.steps, torch.from_numpy(drawn), torch.from_numpy(random.random((len(drawn), 1)) < 0.5)
            bar.at((step + 1) * options.batch)


def _features(net: nn.Module, rows: NDArray[np.int64], sample: Callable[[int], NDArray[Any]]) -> Tensor:
    """Returns (N, C) float32: what the last layer is given."""
    given: list[Tensor] = []
    last, _ = net.embedding
    hook = last.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].flatten(1).float().cpu()))
    try:
        for start in range(0, len(rows), BLOCK):
            outputs(net, np.stack([sample(int(row)) for row in rows[start : start + BLOCK]]))
    finally:
        hook.remove()
    return torch.cat(given)
