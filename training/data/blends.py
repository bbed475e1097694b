"""Faces between two aligned faces: of nobody, but the reference encoders have a vector for them as for anybody.

More pictures to distil from, at the price of labelling them. A mean of two faces, or the half of one and the other half
of the other with a soft seam; landmarks lie on the template in both, so that eyes meet eyes.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.data.collection import Collection, load
from training.data.errors import DataError
from training.data.reference import TEACHER, Ask, write
from training.data.room import array_on_disk

GROUP = "blend"
SEAM = 0.12  # half the width of the seam, of the picture's side


def morph(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns the mean of two (H, W, 3) faces, between 35 and 65 percent of the first."""
    share = np.float32(random.uniform(0.35, 0.65))
    return np.asarray(one * share + other * (1 - share) + np.float32(0.5), np.uint8)


def halves(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns one face on one side of a line near the middle, the other on its other side.

    The other is first given the mean and deviation of the first's colours: else the seam says what was done.
    """
    side = one.shape[0]
    angle = random.integers(4) * np.pi / 2 + random.normal(0, 0.2)  # mostly left of right, upper of lower
    line = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    away = np.float32(np.cos(angle)) * line[None, :] + np.float32(np.sin(angle)) * line[:, None]
    share = np.clip((away - np.float32(random.normal(0, 0.06))) / SEAM / 2 + 0.5, 0, 1)[..., None]
    mine, theirs = one.reshape(-1, 3).astype(np.float32), other.reshape(-1, 3).astype(np.float32)
    gain = np.clip((mine.std(0) + 8) / (theirs.std(0) + 8), 0.6, 1.6)
    fitted = ((theirs - theirs.mean(0)) * gain + mine.mean(0)).reshape(other.shape)
    return np.asarray(np.clip(one * share + fitted * (1 - share), 0, 255), np.uint8)


def blend(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns one of both, evenly."""
    return (morph if random.random() < 0.5 else halves)(one, other, random)


def make_blends(
    collection: Collection,
    count: int,
    target: Path,
    ask: Ask,
    *,
    seed: int = 0,
) -> Collection:
    """Writes blends of training pictures as a prepared folder, and returns it; `collection.join` puts it to the rest.

    Args:
        collection: of aligned faces of one size.
        count: how many.
        target: a new folder, 38 kB a picture; what was made there with the same count and seed is kept.
        ask: the reference encoders: 440 faces a second on two cores.
        seed: of what is drawn.

    Raises:
        DataError: fewer than two training pictures, the folder holds something else, or the disk is too full.
    """
    if len(collection.train) < 2:
        raise DataError(f"blends want two training pictures, there are {len(collection.train)}")
    if (target / TEACHER).exists():
        made = load(target)
        if len(made) != count or set(made.group) != {f"{GROUP} {seed}"}:
            raise DataError(f"{target}: holds {len(made)} others than {count} blends of seed {seed}: name a new folder")
        return made
    target.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    shape = (count, *np.asarray(collection.samples[int(collection.train[0])]).shape)
    faces = array_on_disk(target / "faces.npy", np.uint8, shape)
    for number in track(range(count), "blending"):
        one, other = random.choice(len(collection.train), 2, replace=False)
        pair = [np.asarray(collection.samples[int(collection.train[i])]) for i in (one, other)]
        faces[number] = blend(pair[0], pair[1], random)
    faces.flush()
    with (target / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "identity", "group", "split"))
        writer.writerows((f"{number:06d}", "", f"{GROUP} {seed}", "train") for number in range(count))
    write(cast("Sequence[NDArray[np.uint8]]", faces), target, ask)
    return load(target)
