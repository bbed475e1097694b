"""Batches of pictures that are made for them: people as they are, and blends that nobody has seen before.

What is in a batch depends on seed, process and step alone, as of all others (`training.data.batches`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.batches import Sampler
from training.data.collection import Collection
from training.data.teacher import Reference
from training.errors import RunError
from training.hints import SAMPLES
from training.live.encoders import SIDE, Encoders
from training.loop.world import World
from training.preset import Live, Preset
from training.sources import Pictures, Source


class Maker:
    """Makes what a net is shown and what the reference encoders are asked about.

    Args:
        live: how many are blends.
        source: of the pictures.
        labels: (N,) the class of each row, -1 of nobody's.
        pairs: rows at the beginning of this process's batches that stay as they are.
    """

    def __init__(self, live: Live, source: Pictures, labels: NDArray[np.int64], *, pairs: int) -> None:
        self._live, self._source, self._labels, self._pairs = live, source, labels, pairs
        self._train = source.collection.train
        self._named = self._train[labels[self._train] >= 0]

    def batch(
        self, sampler: Sampler, side: int | None, step: int
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.uint8]]:
        """Returns the samples of a step as they are learnt from, their labels, and the pictures that are asked about.

        Args:
            sampler: of the rows.
            side: of the samples, pixels.
            step: which.
        """
        random = sampler.random(step)
        rows = sampler.rows(step, random)
        others = np.full(len(rows), -1)
        rest = np.arange(self._pairs, len(rows))
        for at in rest[random.random(len(rest)) < self._live.blends]:
            both = self._named if len(self._named) and random.random() < self._live.named else None
            rows[at] = rows[at] if both is None else random.choice(both)
            others[at] = random.choice(self._train if both is None else both)
        made = (
            self._source.made(int(row), None if other < 0 else int(other), side, random)
            for row, other in zip(rows, others, strict=True)
        )
        asked, samples = zip(*made, strict=True)
        return np.stack(samples), np.where(others < 0, self._labels[rows], -1), np.stack(asked)


def encoders_of(preset: Preset, source: Source, reference: Reference, world: World) -> tuple[Encoders, tuple[int, ...]]:
    """Returns the reference encoders of a preset with [live], and the shape of the maps of its hint, () without one.

    Raises:
        RunError: they were not asked before, or pictures are no aligned faces.
        DataError: they are not there, or others than those that were asked before.
    """
    encoders = Encoders(reference, preset.batch.size // world.size, world.device, maps=preset.hint.weight > 0)
    return encoders, encoders.know(*_some(source.collection))


def _some(collection: Collection) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Returns training pictures, and what the reference encoders said of them."""
    if collection.teacher is None:
        raise RunError("nobody asked the reference encoders of these pictures: python -m training label --help")
    rows = np.sort(
        np.random.default_rng(0).choice(collection.train, min(SAMPLES, len(collection.train)), replace=False)
    )
    pictures = np.stack([np.asarray(collection.samples[int(row)]) for row in rows])
    if pictures.shape[1:] != (SIDE, SIDE, 3):
        raise RunError(f"pictures are {pictures.shape[1:]}: reference encoders want aligned faces of {SIDE}x{SIDE}")
    return pictures, np.stack([collection.teacher[row] for row in rows])
