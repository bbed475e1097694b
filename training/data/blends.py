"""Faces between two aligned faces: of nobody, but the reference encoders have a vector for them as for anybody.

More pictures to distil from, at the price of labelling them. A mean of two faces, or the half of one and the other half
of the other with a soft seam; landmarks lie on the template in both, so that eyes meet eyes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.data.archive import INDEX
from training.data.collection import Collection, digest, load
from training.data.errors import DataError
from training.data.reference import TEACHER, Ask, write
from training.data.room import array_on_disk
from training.writing import write_whole

GROUP = "blend"
NOTE = "blends.json"
"""Says what the blends in its folder were made of."""
_LEVELS = np.arange(256.0)
SEAM = 0.12  # half the width of the seam, of the picture's side


def morph(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns the mean of two (H, W, 3) faces, between 35 and 65 percent of the first."""
    share = random.uniform(0.35, 0.65)
    return np.asarray(cv2.addWeighted(one, share, other, 1 - share, 0), np.uint8)


def halves(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns one face on one side of a line near the middle, the other on its other side.

    The other is first given the mean and deviation of the first's colours: else the seam says what was done.
    """
    side = one.shape[0]
    angle = random.integers(4) * np.pi / 2 + random.normal(0, 0.2)  # mostly left of right, upper of lower
    line = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    away = np.float32(np.cos(angle)) * line[None, :] + np.float32(np.sin(angle)) * line[:, None]
    share = np.clip((away - np.float32(random.normal(0, 0.06))) / SEAM / 2 + 0.5, 0, 1)
    (mine, spread), (theirs, width) = cv2.meanStdDev(one), cv2.meanStdDev(other)  # (3, 1) each
    gain = np.clip((spread + 8) / (width + 8), 0.6, 1.6)
    table = np.clip((_LEVELS - theirs) * gain + mine + 0.5, 0, 255).astype(np.uint8)  # (3, 256)
    return np.asarray(cv2.blendLinear(one, cv2.LUT(other, table.T[None]), share, 1 - share), np.uint8)


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
    named: bool = False,
    asked: Sequence[str] = (),
) -> Collection:
    """Writes blends of training pictures as a prepared folder, and returns it; `collection.join` puts it to the rest.

    Args:
        collection: of aligned faces of one size.
        count: how many.
        target: a new or empty folder, 38 kB a picture; what was made there of the same is kept, or made to its end.
        ask: the reference encoders: 440 faces a second on two cores.
        seed: of what is drawn.
        named: of pictures of known people alone.
        asked: what tells the reference encoders from others, for the note of what the blends were made of.

    Raises:
        DataError: fewer than two training pictures, the folder holds something else, or the disk is too full.
        RunError: nothing can be written there.
    """
    rows = collection.train
    if named:
        rows = rows[collection.identity[rows] >= 0]
    if len(rows) < 2:
        raise DataError(f"blends want two training pictures{' of known people' * named}, there are {len(rows)}")
    about = {"count": count, "seed": seed, "named": named, "rows": digest(collection, rows), "asked": list(asked)}
    _note(target, about)
    if (target / TEACHER).exists():
        return load(target)
    random = np.random.default_rng(seed)
    shape = (count, *np.asarray(collection.samples[int(rows[0])]).shape)
    faces = array_on_disk(target / "faces.npy", np.uint8, shape)
    for number in track(range(count), "blending"):
        one, other = random.choice(len(rows), 2, replace=False)
        pair = [np.asarray(collection.samples[int(rows[i])]) for i in (one, other)]
        faces[number] = blend(pair[0], pair[1], random)
    faces.flush()
    with (target / INDEX).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "identity", "group", "split"))
        writer.writerows((f"{number:06d}", "", f"{GROUP} {seed}", "train") for number in range(count))
    write(cast("Sequence[NDArray[np.uint8]]", faces), target, ask)
    return load(target)


def _note(target: Path, about: Mapping[str, Any]) -> None:
    """Notes in a new or empty folder what its blends are made of, or finds the same noted there.

    Raises:
        DataError: it holds something else.
        RunError: nothing can be written there.
    """
    file = target / NOTE
    if target.is_dir() and any(target.iterdir()):
        try:
            noted = dict(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise DataError(f"{target}: there is something already: name a new or an empty folder") from None
        if noted != about:
            differ = ", ".join(key for key, value in about.items() if noted.get(key) != value)
            raise DataError(f"{target}: holds blends that were made otherwise ({differ}): name a new folder")
        return
    write_whole(file, json.dumps(about))
