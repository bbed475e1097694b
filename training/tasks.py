"""From a preset and a source to what the loop trains on: batches, labels, reference embeddings, and a look at them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training import nets
from training.data.batches import Plan, Sampler, drawn
from training.data.collection import train_labels
from training.data.loader import Loader
from training.data.mining import HardPeople
from training.data.teacher import Reference
from training.evaluation.prepared import compared
from training.hints import Hinted, Maps
from training.last import check as check_last
from training.live.batches import Maker, encoders_of
from training.live.encoders import Encoders
from training.loop.learner import Drawn, embed, to_input
from training.loop.world import World
from training.losses.total import Total
from training.measure import verification
from training.nets.revival import dead, revive
from training.preset import Phase, Preset
from training.sources import Pictures, Source

log = logging.getLogger(__name__)

TURNED = 6000
"""Training samples by which losses learn where weights that are gone on from already are."""
MOST_LOOKED_AT = 4000
"""Validation samples of a look on the way; all pairs of them are compared."""
SAMPLED = 128
"""Training samples by which it is seen which channels of a net are dead."""
NEAR_ENOUGH_TO_BE_ONE = 0.95
"""Two people whose centres are nearer than this cosine are taken for one with two names, and not for hard."""


def build(preset: Preset, source: Source) -> nn.Module:
    """Returns a new net for a preset's samples.

    Raises:
        ConfigError: no such family, or it has no such option.
    """
    options = dict(preset.net.options)
    if preset.side is None:
        options["channels"] = source.plain(int(source.collection.train[0]), None).shape[-1]
    return nets.make(preset.net.family, dimension=preset.net.dimension, **options)


class Task:
    """Everything that is asked for while training goes on.

    Args:
        preset: what is trained.
        source: on what.
        work: the folder that `prepare` filled, with the maps for hints.
        world: the processes that share each batch.
        workers: processes that make batches, for each process that learns.
        reference: the reference encoders, where a preset asks them while it learns.
    """

    def __init__(
        self,
        preset: Preset,
        source: Source,
        work: Path,
        world: World,
        *,
        workers: int = 1,
        reference: Reference | None = None,
    ) -> None:
        self.preset, self.source, self.world = preset, source, world
        self.collection = source.collection
        self.labels, self.classes = train_labels(self.collection)
        self.ask: Encoders | None = None
        self._maker: Maker | None = None
        self.maps = Maps(work, self.collection.train) if preset.hint.weight and not preset.live else None
        self._shape = self.maps.shape if self.maps else ()  # of the maps of a hint
        if preset.live:
            if reference is None or not isinstance(source, Pictures):
                raise ValueError("a preset with [live] wants pictures, and reference encoders to ask")
            pairs = preset.batch.people * preset.batch.each // world.size
            self._maker = Maker(preset.live, source, self.labels, pairs=pairs)
            self.ask, self._shape = encoders_of(preset, source, reference, world)
        self._hard = HardPeople(self.collection, ceiling=NEAR_ENOUGH_TO_BE_ONE) if preset.batch.hard else None
        self._workers = workers
        self._loader: Loader | None = None

    def module(self) -> nn.Module:
        """Returns a new net, with a head for hints if the preset asks for them."""
        net = build(self.preset, self.source)
        return Hinted(net, self._shape) if self._shape else net

    def losses(self) -> Total:
        """Returns the losses, told about the training data."""
        total = Total(self.preset.loss, classes=self.classes, dimension=self.preset.net.dimension)
        if self.collection.teacher is not None:
            total.prepare(self.collection.teacher[self.collection.train], self.labels[self.collection.train])
        if self.preset.export.last:
            check_last(self.collection, self.preset.export.last, self.preset.net.dimension)
        return total

    def turn(self, losses: Total, net: nn.Module) -> None:
        """Moves what losses want to where a net that was trained before already is.

        Centres of people would begin anywhere, and what the reference encoders say is turned towards what the net says
        of it: their projection onto its dimensions may point anyhow, and it was taught another.
        """
        teacher, train = self.collection.teacher, self.collection.train
        rows = np.sort(np.random.default_rng(0).choice(train, min(TURNED, len(train)), replace=False))
        device = next(net.parameters()).device
        said = torch.from_numpy(self.embed(net, rows, self.preset.phase[0].side)).to(device)
        losses.meet(said, torch.from_numpy(self.labels[rows]).to(device))
        if teacher is not None:
            losses.turn_to(said, torch.from_numpy(teacher[rows]).float().to(device))

    def revive(self, net: nn.Module) -> None:
        """Begins channels anew that have died in weights that are gone on from."""
        if begun := revive(net, self._sample(self.preset.phase[0], net)):
            log.warning("%d channels were dead, and begin anew", begun)

    def _sample(self, phase: Phase, net: nn.Module) -> torch.Tensor:
        """Returns some training samples as a net takes them."""
        train = self.collection.train
        rows = train[:: max(1, len(train) // SAMPLED)][:SAMPLED]
        samples = np.stack([self.source.plain(int(row), phase.side) for row in rows])
        return to_input(samples, next(net.parameters()).device)

    def draw(self, phase: Phase, step: int) -> Callable[[], Drawn]:
        """Returns what makes this process's batches of a phase, from a step on; earlier ones are stopped."""
        batch, size = self.preset.batch, self.world.size
        plan = Plan(batch.size // size, batch.people // size, batch.each, temperature=batch.balance, hard=batch.hard)
        rank = {"rank": self.world.rank, "ranks": size}
        sampler = Sampler(self.collection, plan, seed=self.preset.seed, hard=self._hard, **rank)
        self.close()
        self._loader = loader = Loader(
            lambda at: self._drawn(sampler, phase.side, at), workers=self._workers, first=step
        )
        return lambda: self._named(next(loader))

    def _drawn(self, sampler: Sampler, side: int | None, step: int) -> tuple[NDArray[Any], ...]:
        """Returns what is in a `Drawn`, without the parts that this task does not have."""
        if self._maker is not None:
            return self._maker.batch(sampler, side, step)
        rows, samples, plain = drawn(sampler, self.source.varied, side, step)
        parts: list[NDArray[Any]] = [samples, self.labels[rows]]
        if self.collection.teacher is not None:
            parts.append(np.stack([self.collection.teacher[row] for row in rows]))
        if self.maps is not None:
            parts += [self.maps[rows], plain & (rows < len(self.maps))]
        return tuple(parts)

    def _named(self, parts: tuple[NDArray[Any], ...]) -> Drawn:
        samples, labels, *rest = parts
        if self._maker is not None:
            return Drawn(samples, labels, asked=rest[0])
        teacher = rest.pop(0) if self.collection.teacher is not None else None
        maps, plain = rest or (None, None)
        return Drawn(samples, labels, teacher, maps, plain)

    def look(self, net: nn.Module, phase: Phase) -> dict[str, float]:
        """Returns the figures of the validation split."""
        rows = compared(self.collection, most=MOST_LOOKED_AT)
        figures = dict(verification(self.embed(net, rows, phase.side), self.collection.identity[rows]))
        return figures | {"dead": round(dead(net, self._sample(phase, net)), 4)}

    def embed(self, net: nn.Module, rows: NDArray[np.int64], side: int | None) -> NDArray[np.float32]:
        """Returns (N, D) unit rows of samples as they are."""
        starts = range(0, len(rows), 1024)
        blocks = (
            np.stack([self.source.plain(int(row), side) for row in rows[start : start + 1024]]) for start in starts
        )
        return np.concatenate([embed(net, block) for block in blocks])

    def loader_speed(self) -> float:
        """Returns samples a second that this process's workers could make, since it was last asked."""
        return 0.0 if self._loader is None else round(self._loader.speed().loader, 1)

    def refresh(self, net: nn.Module, phase: Phase, step: int) -> None:
        """Looks up who looks like whom, for batches of people who do."""
        if self._hard is not None and self._loader is not None and self._hard.settled(step):
            self._hard.refresh(self.embed(net, self._hard.rows, phase.side), step=step + self._loader.ahead)

    def state(self) -> dict[str, Any]:
        """Returns what batches depend on besides seed, process and step: who looked like whom when last looked up."""
        return {} if self._hard is None else {"hard": tuple(torch.from_numpy(part) for part in self._hard.state())}

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Takes on what `state` returned."""
        if self._hard is not None:
            tables, since = state["hard"]
            self._hard.go_on(tables.numpy(), since.numpy())

    def close(self) -> None:
        """Stops what draws batches."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None
