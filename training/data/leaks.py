"""Refuses to test on what was trained on: finds pictures that are nearly the same, between two sets or within one.

Aligned faces resemble each other too much for hashes of pictures: eyes, nose and the light from above are always in the
same place. So it takes two steps. All pairs: each picture made small and grey, less the set's mean face, with that in
which all faces vary evened out (principal components, whitened); a product of matrices. What is near there is then
compared closely: both without their coarse light, shifted by up to four pixels onto each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import SIZE
from training.data.collection import Collection
from training.data.errors import DataError, LeakError
from training.data.lazy import Lazy, Placed

# Chosen on 58,392 training and 3,294 validation faces (training/README.md): the six pairs that are one photograph
# have 0.95 or more, the likest of all others 0.87; of photographs that were moved, made smaller, relit and compressed
# once more, 99 % are candidates and 96 % of those are found.
NEAR = 0.9
"""Correlation from which two pictures count as one."""
CANDIDATE = 0.75
"""Cosine of descriptors from which two pictures are compared closely."""
SIDE = 16  # pixels of the small picture: hair and background are in it, grain and compression are not
DIMENSIONS = 96  # components kept, of 256; the rest is noise
SHRINK = 0.01  # of the first component's variance, added to all: what hardly varies is not blown up
CELLS = 2**24  # of the product of descriptors at once: 64 MB
CLOSE, SHIFT = 56, 4  # side of the pictures that are compared closely, and how far they are shifted, pixels


@dataclass(frozen=True, slots=True)
class Near:
    """Two pictures that are nearly the same."""

    first: int  # number in the first set
    second: int  # number in the second
    similarity: float  # correlation, at most 1
    mirrored: bool


def near_duplicates(
    first: Sequence[NDArray[np.uint8]],
    second: Sequence[NDArray[np.uint8]] | None = None,
    *,
    people: Sequence[str] | None = None,
    near: float = NEAR,
) -> list[Near]:
    """Returns the pairs of nearly the same pictures, the likest first.

    Args:
        first: N pictures (H, W, 3) uint8 RGB of faces alike in place and size; may be lazy.
        second: M others; None looks for pairs within the first set.
        people: (N,) who is on those of one set; pairs of one person are then not looked for.
        near: correlation from which on.
    """
    thumbs = thumbnails(first)
    others = thumbs if second is None else thumbnails(second)
    if not len(thumbs) or not len(others):
        return []
    found = []
    for i, j, mirrored in _candidates(thumbs, others):
        if second is None and (i >= j or (people and people[i] == people[j])):
            continue
        one, other = first[i], (first if second is None else second)[j]
        likeness = correlation(one, other[:, ::-1] if mirrored else other)
        if likeness >= near:
            found.append(Near(i, j, likeness, mirrored))
    return sorted(found, key=lambda pair: -pair.similarity)


def _candidates(first: NDArray[np.float32], second: NDArray[np.float32]) -> Iterator[tuple[int, int, bool]]:
    describe = Descriptor(first)
    rows = describe(first)
    for mirrored in (False, True):
        turned = second.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(-1, SIDE * SIDE) if mirrored else second
        columns = describe(turned).T
        height = max(1, CELLS // len(second))
        for start in range(0, len(rows), height):
            block = rows[start : start + height] @ columns  # (height, M)
            for i, j in np.argwhere(block >= CANDIDATE).tolist():
                yield start + i, j, mirrored


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Returns how alike the details of two pictures are, -1..1, where they lie best upon each other."""
    whole, part = _details(one), _details(other)[SHIFT:-SHIFT, SHIFT:-SHIFT]
    if not whole.any() or not part.any():
        return 0.0
    return float(cv2.matchTemplate(whole, np.ascontiguousarray(part), cv2.TM_CCOEFF_NORMED).max())


def _details(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns (56, 56): what is between 2 and 8 pixels of 112 wide, without light and shade and without grain."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(np.float32)
    unit = grey.shape[0] / 112
    fine = cv2.GaussianBlur(grey, (0, 0), 2 * unit)
    return np.asarray(
        cv2.resize(fine - cv2.GaussianBlur(fine, (0, 0), 8 * unit), (CLOSE, CLOSE), interpolation=cv2.INTER_AREA),
        np.float32,
    )


def thumbnails(pictures: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Returns (N, 256) small grey pictures of mean 0 and, unless they are flat, deviation 1."""
    small = [cv2.resize(_grey(p), (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel() for p in pictures]
    rows = np.array(small, np.float32).reshape(-1, SIDE * SIDE)
    rows -= rows.mean(1, keepdims=True)
    return np.asarray(rows / (rows.std(1, keepdims=True) + 8), np.float32)  # 8 grey levels: a flat one stays flat


def _grey(picture: NDArray[np.uint8]) -> NDArray[Any]:
    """The middle of the picture: the edges are what another alignment cuts off first."""
    height, width = picture.shape[:2]
    inner = picture[height // 14 : height - height // 28, width // 14 : width - width // 14]
    return np.asarray(cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY))


class Descriptor:
    """What tells pictures apart that are not the same, learnt from a set of them.

    Args:
        thumbs: (N, 256) of `thumbnails`. Of few pictures there is little to learn: it is then nearly the plain one.
    """

    def __init__(self, thumbs: NDArray[np.float32]) -> None:
        self._mean = thumbs.mean(0)
        centred = thumbs - self._mean
        variance, basis = np.linalg.eigh(centred.T @ centred / max(len(thumbs), 1))
        variance, basis = variance[::-1], basis[:, ::-1]
        scale = np.sqrt(np.maximum(variance, 0) + SHRINK * max(float(variance[0]), 1e-6))
        kept = min(DIMENSIONS, max(len(thumbs) - 1, 1)) if len(thumbs) < 2 * DIMENSIONS else DIMENSIONS
        self._project = (basis / scale)[:, :kept].astype(np.float32)

    def __call__(self, thumbs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns (N, D) unit rows; pictures that are the same all over as zero rows, alike to nothing."""
        rows = (thumbs - self._mean) @ self._project
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
        rows[np.abs(thumbs).max(1) < 0.1] = 0
        return np.asarray(rows, np.float32)


def split_leaks(collection: Collection, *, near: float = NEAR) -> list[Near]:
    """Returns the pairs (row of train, row of val) of a collection's pictures that are nearly the same."""
    train, val = collection.train, collection.val
    pairs = near_duplicates(_Rows(collection, train), _Rows(collection, val), near=near)
    return [Near(int(train[p.first]), int(val[p.second]), p.similarity, p.mirrored) for p in pairs]


def refuse_split_leaks(collection: Collection, *, near: float = NEAR) -> None:
    """Does nothing if no training picture of a collection is nearly one of its validation pictures.

    Raises:
        LeakError: naming the pairs by person, and by archive and member or row.
    """
    _refuse(
        [
            (f"{_called(collection, p.first)} = {_called(collection, p.second)}", p.similarity)
            for p in split_leaks(collection, near=near)
        ],
        "Take one of each away, or give both people the same name or the same split",
    )


def refuse_trained_on(
    collection: Collection, tested: Sequence[NDArray[np.uint8]], names: Sequence[str], *, near: float = NEAR
) -> None:
    """Does nothing if no training picture of a collection is nearly one that figures are to come from.

    Args:
        collection: of aligned faces.
        tested: (H, W, 3) uint8 RGB, aligned alike; may be lazy.
        names: of these, for the message.
        near: correlation from which on.

    Raises:
        LeakError: naming the pairs.
    """
    pairs = near_duplicates(_Rows(collection, collection.train), tested, near=near)
    _refuse(
        [(f"{_called(collection, int(collection.train[p.first]))} = {names[p.second]}", p.similarity) for p in pairs],
        "Train without them, or measure on other pictures",
    )


def _refuse(pairs: Sequence[tuple[str, float]], advice: str) -> None:
    if not pairs:
        return
    lines = [f"  {called} ({similarity:.2f})" for called, similarity in pairs[:20]]
    more = f"\n  and {len(pairs) - 20} more" if len(pairs) > 20 else ""
    raise LeakError(
        f"{len(pairs)} pairs of pictures are nearly the same, one trained on, the other tested on:\n"
        + "\n".join(lines)
        + f"{more}\n{advice}"
    )


def _called(collection: Collection, row: int) -> str:
    """Returns how a message calls a row: where it lies if the samples know, and who it is."""
    where = collection.samples.where(row) if isinstance(collection.samples, Placed) else ""
    who = (*collection.names, "unknown")[collection.identity[row]]  # -1 takes the last
    return f"{where or f'row {row}'} ({who})"


def without_leaks(collection: Collection, *, near: float = NEAR) -> tuple[Collection, list[Near]]:
    """Returns the collection less the training pictures that are nearly one of validation, and those pairs.

    For data that are not one's own to mend. Who is on such a picture is in validation under another name, so that all
    other training pictures of that name go as well.
    """
    pairs = split_leaks(collection, near=near)
    rows = np.array([pair.first for pair in pairs], np.int64)
    people = np.unique(collection.identity[rows])
    gone = np.isin(collection.train, rows) | np.isin(collection.identity[collection.train], people[people >= 0])
    return replace(collection, train=collection.train[~gone]), pairs


class _Rows(Lazy):
    """Some rows of a collection's faces, read when asked for; what is no aligned one is refused."""

    def __init__(self, collection: Collection, rows: NDArray[np.int64]) -> None:
        self._collection, self._rows = collection, rows

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, index: int) -> NDArray[Any]:
        row = int(self._rows[index])
        picture = np.asarray(self._collection.samples[row])
        if picture.shape[:2] != (SIZE, SIZE):
            height, width = picture.shape[:2]
            raise DataError(
                f"{_called(self._collection, row)} is {width}x{height}, not an aligned face of {SIZE}x{SIZE}: "
                "unpack the photographs, and python -m training pack FOLDER TARGET"
            )
        return picture
