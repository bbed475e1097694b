"""Signatures for the training loop: a writer is one identity, and every forgery is one of its own, alone.

So a forgery never has to be near anything, and is a hard negative wherever it is in a batch with whom it imitates
(`Collection.rival`, `training.data.batches`). Where there are no forgeries, genuine signatures made slower, more even
and unsteady stand in for them (`augment.imitate`). Mirrored, a writer is another writer: four times as many of them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError
from agent.signature.features import UNTOLD_PRESSURE, features
from training.data.collection import Collection
from training.preset import Preset
from training.signatures.augment import Variation, imitate, vary
from training.signatures.load import Signatures, Split, load, split
from training.signatures.render import SIDE, render, scan

ARCHIVE = Path("signatures") / "online.npz"
FORGED = " forged "
"""After a writer's name, and before a number: who imitates that writer."""
SHARES = {"imitations": 0.0, "untold": 0.0}
MIRRORS = ((1, 1, ""), (-1, 1, " mirrored"), (1, -1, " upside down"), (-1, -1, " turned"))
"""Factors for x and y, and what the writer is then called. In training alone."""


class Written:
    """What both kinds have in common: who wrote what, and which of them are for what.

    Args:
        data: `../shared/data`, an archive, or a folder of one's own signatures, see `load`.
        preset: its [augment]: amounts of `augment.Variation`, `imitations`, the share of a forger's signatures that
            are made from genuine ones, and `untold`, the share of all whose pressure is left out, as of a finger.

    Raises:
        DataError: the signatures are not there, or not as they should be.
        ConfigError: [augment] has a key that does not exist, or its value cannot be.
    """

    def __init__(self, data: Path, preset: Preset) -> None:
        self.split: Split = split(load(data / ARCHIVE if (data / ARCHIVE).is_file() else data))
        self._imitations, self._untold, self._variation = _augmentation(preset)
        train = joined(*(mirrored(self.split.train, *mirror) for mirror in MIRRORS))
        self._rows, self._made = _with_forgeries(train, self.split.val)
        self._genuine = {
            writer: np.flatnonzero(self._rows.genuine & (self._rows.writer == writer))
            for writer in np.unique(self._rows.writer).tolist()
        }

    @cached_property
    def collection(self) -> Collection:
        """Train and validation writers; those of the test are in `split.test` alone."""
        rows, val = self._rows, np.isin(self._rows.writer, self.split.val.writer)
        alone = np.char.add(FORGED, np.arange(len(rows)).astype(str))
        who = np.char.add(rows.writer, np.where(rows.genuine, "", alone))
        names, identity = np.unique(who, return_inverse=True)
        imitated = np.searchsorted(names, rows.writer)  # everybody has genuine signatures
        return Collection(
            samples=tuple(self.inputs(rows)),
            identity=identity.astype(np.int64),
            names=tuple(names.tolist()),
            group=np.where(rows.genuine, "genuine", "forgery"),
            teacher=None,
            train=np.flatnonzero(~val),
            val=np.flatnonzero(val),
            rival=np.where(rows.genuine, -1, imitated).astype(np.int64),
        )

    def inputs(self, signatures: Signatures, side: int | None = None) -> NDArray[Any]:
        """Returns (N, ...) of what the encoder takes of signatures as they are."""
        return np.stack([self._shown(trajectory, side) for trajectory in signatures.trajectories])

    def _shown(self, trajectory: NDArray[np.float32], side: int | None) -> NDArray[Any]:
        raise NotImplementedError

    def _another(self, row: int, random: np.random.Generator) -> NDArray[np.float32]:
        """Returns a trajectory that its writer, or the forger of that row, might have written."""
        if self._rows.genuine[row]:
            return vary(self._rows.trajectories[row], random, self._variation)
        if self._made[row] or random.random() < self._imitations:
            return imitate(self._rows.trajectories[random.choice(self._genuine[str(self._rows.writer[row])])], random)
        return vary(self._rows.trajectories[row], random, self._variation)


class Trajectories(Written):
    """`signature-online`: sequences of what the pen did."""

    def plain(self, row: int, side: int | None = None) -> NDArray[Any]:  # noqa: ARG002 - sequences have none
        """Returns the (T, C) float32 features of a signature as it is."""
        return np.asarray(self.collection.samples[row])

    def varied(self, row: int, side: int | None, random: np.random.Generator) -> tuple[NDArray[Any], bool]:
        """Returns the (T, C) float32 features of one like it; never mirrored."""
        written = self._another(row, random)
        return self._shown(untold(written) if random.random() < self._untold else written, side), True

    def _shown(self, trajectory: NDArray[np.float32], side: int | None) -> NDArray[Any]:  # noqa: ARG002
        return features(trajectory)


class Drawings(Written):
    """`signature-offline`: pictures of the ink."""

    def plain(self, row: int, side: int | None = None) -> NDArray[Any]:
        """Returns the (side, side, 3) uint8 picture of a signature as it is."""
        return self._shown(self._rows.trajectories[row], side)

    def varied(self, row: int, side: int | None, random: np.random.Generator) -> tuple[NDArray[Any], bool]:
        """Returns a picture of one like it, written with another pen and scanned; never mirrored."""
        picture = render(self._another(row, random), side=side or SIDE, pen=float(np.exp(random.normal(0, 0.2))))
        return scan(picture, random), True

    def _shown(self, trajectory: NDArray[np.float32], side: int | None) -> NDArray[Any]:
        return render(trajectory, side=side or SIDE)


def unseen(split: Split) -> Signatures:
    """Returns the signatures of writers that nothing was trained on."""
    return joined(split.val, split.test)


def joined(*parts: Signatures) -> Signatures:
    """Returns all signatures of all parts."""
    return Signatures(
        tuple(trajectory for part in parts for trajectory in part.trajectories),
        np.concatenate([part.writer for part in parts]),
        np.concatenate([part.genuine for part in parts]),
        np.concatenate([part.session for part in parts]),
    )


def as_by_finger(signatures: Signatures) -> Signatures:
    """Returns the signatures without what a finger does not tell."""
    return replace(signatures, trajectories=tuple(map(untold, signatures.trajectories)))


def untold(trajectory: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns a signature as a screen reports it that feels no pressure."""
    return np.column_stack([trajectory[:, :3], np.full(len(trajectory), UNTOLD_PRESSURE, np.float32), trajectory[:, 4]])


def mirrored(signatures: Signatures, across: int, down: int, suffix: str) -> Signatures:
    """Returns the signatures with x and y multiplied by 1 or -1, written by others whose names end in `suffix`."""
    factors = np.array([across, down, 1, 1, 1], np.float32)
    trajectories = tuple(trajectory * factors for trajectory in signatures.trajectories)
    return replace(signatures, trajectories=trajectories, writer=np.char.add(signatures.writer, suffix))


def _with_forgeries(train: Signatures, val: Signatures) -> tuple[Signatures, NDArray[np.bool_]]:
    """Returns all signatures and (N,) which are made up: two for each training writer whom nobody has imitated."""
    signatures = joined(train, val)
    forged = set(train.writer[~train.genuine].tolist())
    firsts = [
        int(row)
        for writer in np.unique(train.writer).tolist()
        if writer not in forged
        for row in np.flatnonzero(signatures.genuine & (signatures.writer == writer))[:2]
    ]
    made = signatures.rows(np.array(firsts, np.int64))
    made = replace(made, genuine=np.zeros(len(made), np.bool_))
    return joined(signatures, made), np.arange(len(signatures) + len(made)) >= len(signatures)


def _augmentation(preset: Preset) -> tuple[float, float, Variation]:
    asked = dict(preset.augment)
    known = [field.name for field in fields(Variation)]
    if unknown := sorted(set(asked) - {*known, *SHARES}):
        raise ConfigError(f"[augment] has no {', '.join(unknown)}: there are {', '.join((*SHARES, *known))}")
    if wrong := [name for name, value in asked.items() if type(value) not in (int, float) or not value >= 0]:
        raise ConfigError(f"[augment] {', '.join(wrong)}: want numbers, 0 or more")
    shares = [asked.pop(name, usual) for name, usual in SHARES.items()]
    for name, share in zip(SHARES, shares, strict=True):
        if share > 1:
            raise ConfigError(f"[augment] {name} = {share}: a share, 0 to 1")
    imitations, without = shares
    return float(imitations), float(without), Variation(**asked)
