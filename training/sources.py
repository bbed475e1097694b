"""Where samples come from: a collection, what a sample looks like as it is, and what training makes of it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError
from agent.vision.encode import shrink
from training.data.augment import Augmentation, augment
from training.data.blends import blend
from training.data.collection import Collection, join, load
from training.data.errors import DataError
from training.data.leaks import refuse_split_leaks, without_leaks
from training.data.splits import ensure_split
from training.losses.table import TAUGHT
from training.preset import Preset

log = logging.getLogger(__name__)

LEAST_STRANGERS, LEAST_PAIRS = 4, 200
"""In validation, and pairs of two of them: else the card's table, from where a tenth of these match to where three do,
may have no two rates, and the agent refuses it. Drawn vectors: of 6 people with two pictures 2 to 37 %, of 3 with 243
pairs 1 %, of 2 with 1,600 5 to 8 %; of 4 with 216 0.3 %, of 5 and more with 220 and more none of 4,000."""


class Source(Protocol):
    """Samples to train on and to look at."""

    @property
    def collection(self) -> Collection:
        """All of them, with who they are and which rows are for what."""
        ...

    def plain(self, row: int, side: int | None) -> NDArray[Any]:
        """Returns a sample as the finished encoder will get it: (side, side, 3) uint8, or (T, C) float32."""
        ...

    def varied(self, row: int, side: int | None, random: np.random.Generator) -> tuple[NDArray[Any], bool]:
        """Returns the sample as it might have come another time, and whether left is still left."""
        ...


class Pictures:
    """Aligned faces, or other pictures of (H, H, 3)."""

    def __init__(self, collection: Collection, how: Augmentation) -> None:
        self.collection = collection
        self._mirror, self._how = how.mirror, replace(how, mirror=0.0)

    def plain(self, row: int, side: int | None) -> NDArray[Any]:
        """Returns (side, side, 3) uint8, shrunk as the agent does it."""
        return shrink(np.asarray(self.collection.samples[row]), side or self.collection.samples[row].shape[0])

    def varied(self, row: int, side: int | None, random: np.random.Generator) -> tuple[NDArray[Any], bool]:
        """Returns what a door camera might have made of it."""
        picture, mirrored = self._mirrored(np.asarray(self.collection.samples[row]), random)
        return augment(picture, side or picture.shape[0], random, self._how), not mirrored

    def made(
        self, row: int, other: int | None, side: int | None, random: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Returns a picture, perhaps with another blended in, as reference encoders are asked about it, and as varied.

        Args:
            row: whose picture.
            other: the row of the other, None for none.
            side: of the varied one, pixels.
            random: all chance comes from here.
        """
        picture = np.asarray(self.collection.samples[row])
        if other is not None:
            picture = blend(picture, np.asarray(self.collection.samples[other]), random)
        picture, _ = self._mirrored(picture, random)
        return picture, augment(picture, side or picture.shape[0], random, self._how)

    def _mirrored(self, picture: NDArray[Any], random: np.random.Generator) -> tuple[NDArray[Any], bool]:
        """Returns the picture or its mirror image, and whether it is that."""
        if random.random() >= self._mirror:
            return picture, False
        return np.asarray(cv2.flip(picture, 1), picture.dtype), True


def make(preset: Preset, data: Path | None, work: Path, more: Sequence[Path] = ()) -> Source:
    """Returns the source that a preset asks for.

    Args:
        preset: its [data] and [augment].
        data: the folder with raw data, for what is not prepared.
        work: what `prepare` filled, or archives of `pack`.
        more: prepared folders or archives that are trained on as well, such as blends.

    Raises:
        ConfigError: [augment] has a key that does not exist.
        DataError: the data are not there or not as they should be, or nobody asked the reference encoders of a loss.
    """
    kind = preset.data.kind
    if data and kind in {"made-up", "prepared"}:
        raise DataError(f"the preset {preset.name} reads no raw data: leave out --data; faces go with --work FOLDER")
    if more and kind == "made-up":
        raise DataError(f"the preset {preset.name} draws its people: leave out --more")
    if kind == "made-up":
        from training.data.made_up import made_up

        drawn = made_up(preset.data.people, preset.data.pictures, seed=preset.seed)
        return Pictures(drawn, augmentation(preset))
    if kind == "prepared":
        collection = ensure_split(load(work))
        _refuse_untaught(collection, preset, work)
        _refuse_few(collection, work)
        joined = join(collection, *map(load, more)) if more else collection
        return Pictures(_clean(joined, preset), augmentation(preset))
    if more:
        raise DataError(f"the preset {preset.name} reads {kind}: --more goes with faces that are prepared or packed")
    if data is None:
        raise DataError(f"the preset {preset.name} reads {kind}: name the folder with --data")
    from training.signatures.source import Drawings, Trajectories

    return (Trajectories if kind == "signature-online" else Drawings)(data, preset)


def taught(preset: Preset, collection: Collection) -> str:
    """Returns a digest of what the reference encoders say of all samples; "" where no loss learns from it."""
    if collection.teacher is None or not taught_by(preset):
        return ""
    return hashlib.sha256(np.ascontiguousarray(collection.teacher).data).hexdigest()[:16]


def place(preset: Preset, data: Path | None, work: Path) -> tuple[str, Path]:
    """Returns the option by which a preset's data are named, and where they are."""
    return ("--data", data) if data and preset.data.kind.startswith("signature") else ("--work", work)


def taught_by(preset: Preset) -> list[str]:
    """Returns the losses of a preset that want to know what the reference encoders say."""
    last = preset.export.last.loss if preset.export.last else {}
    return sorted(TAUGHT & {*preset.loss, *last})


def _refuse_untaught(collection: Collection, preset: Preset, work: Path) -> None:
    if collection.teacher is None and (losses := taught_by(preset)):
        raise DataError(
            f"{work}: the reference encoders were not asked, from which the preset {preset.name} learns "
            f"({', '.join(losses)}): python -m training label {work} --reference DIR, or take a preset without, as own"
        )


def _refuse_few(collection: Collection, work: Path) -> None:
    _, each = np.unique(collection.identity[collection.val], return_counts=True)
    pairs = int(each.sum() ** 2 - (each**2).sum()) // 2
    if len(each) < LEAST_STRANGERS or pairs < LEAST_PAIRS:
        raise DataError(
            f"{work}: {len(each)} people to validate on make {pairs} pairs of strangers, a card wants "
            f"{LEAST_STRANGERS} and {LEAST_PAIRS}: pack more people or more pictures of each, or say split = val of "
            "more people in a CSV"
        )
    if not (each > 1).any():
        raise DataError(
            f"{work}: none of the {len(each)} people to validate on has two pictures: nothing tells how alike one "
            "person's are; pack more pictures of each, or say split = val of people with two and more"
        )


def _clean(collection: Collection, preset: Preset) -> Collection:
    """Returns the collection without pictures that are in training and in validation, or refuses it."""
    if preset.data.leaks == "refuse":
        refuse_split_leaks(collection)
        return collection
    clean, pairs = without_leaks(collection)
    if pairs:
        log.warning(
            "%d pictures are in training and in validation: %d rows are left out of training",
            len(pairs),
            len(collection.train) - len(clean.train),
        )
    return clean


class Augmenting(Protocol):
    """A preset that has an [augment]."""

    @property
    def augment(self) -> Mapping[str, Any]:
        """Fields of `Augmentation` and their values."""
        ...


def augmentation(preset: Augmenting) -> Augmentation:
    """Returns what [augment] says, laid over the defaults.

    Raises:
        ConfigError: a key does not exist, or its value cannot be.
    """
    known = Augmentation.__dataclass_fields__
    if unknown := sorted(set(preset.augment) - set(known)):
        raise ConfigError(f"[augment] has no {', '.join(unknown)}: there are {', '.join(known)}")
    if wrong := [name for name, value in preset.augment.items() if type(value) not in (int, float)]:
        raise ConfigError(f"[augment] {', '.join(wrong)}: want numbers")
    return Augmentation(**preset.augment)
