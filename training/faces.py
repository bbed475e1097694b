"""Aligned faces as one array on disk, the reference embeddings beside it, and batches of augmented pictures from both.

A folder made by `python -m training prepare` holds `faces.npy` (N, 112, 112, 3) uint8 RGB, `index.csv` with a row each
(source, split, identity, bench_overlap), and `teacher.npy` (N, T) float16, rows of unit length.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PIXELS = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """All faces; `identity` is -1 where nobody knows who it is."""

    pictures: PIXELS  # (N, 112, 112, 3) uint8 RGB, memory-mapped
    teacher: NDArray[np.float16]  # (N, T), unit length
    identity: NDArray[np.int64]  # (N,)
    train: NDArray[np.int64]  # rows to train on
    val: NDArray[np.int64]  # labelled rows to choose models on


def load(folder: Path) -> Faces:
    """Returns the prepared faces; identities that look like people of the benchmarks are left out of both splits."""
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers: dict[str, int] = {}
    identity = np.array([numbers.setdefault(r["identity"], len(numbers)) if r["identity"] else -1 for r in rows])
    clean = np.array([r["bench_overlap"] == "0" for r in rows])
    train = np.array([r["split"] == "train" for r in rows])
    return Faces(
        pictures=np.load(folder / "faces.npy", mmap_mode="r"),
        teacher=np.load(folder / "teacher.npy", mmap_mode="r"),
        identity=identity,
        train=np.flatnonzero(clean & train),
        val=np.flatnonzero(clean & ~train & (identity >= 0)),
    )


class Crops:
    """The training pictures of all faces as a sequence, each read from the disk when asked for."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def __len__(self) -> int:
        return len(self._faces.train)

    def __getitem__(self, number: int) -> PIXELS:
        return np.asarray(self._faces.pictures[self._faces.train[number]])


def sharpen_to(dimension: int, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the (T, dimension) projection that keeps most of the similarities of (N, T) rows.

    Their leading right singular vectors, without centring, since cosines are taken from the origin.
    """
    _, basis = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(basis[:, ::-1][:, :dimension]).astype(np.float32)


class Batches:
    """Endless batches: `people` identities with two pictures each, the rest from everybody."""

    def __init__(self, faces: Faces, *, size: int, people: int, side: int, seed: int | tuple[int, ...]) -> None:
        self._faces, self._size, self._people, self._side = faces, size, people, side
        self._random = np.random.default_rng(seed)
        by_person: dict[int, list[int]] = defaultdict(list)
        for row in faces.train:
            if faces.identity[row] >= 0:
                by_person[int(faces.identity[row])].append(int(row))
        self._pairs = [rows for rows in by_person.values() if len(rows) > 1]

    def draw(self) -> tuple[NDArray[np.int64], PIXELS]:
        """Returns (B,) rows and their (B, side, side, 3) augmented pictures."""
        who = self._random.choice(len(self._pairs), self._people, replace=False)
        paired = [self._random.choice(self._pairs[i], 2, replace=False) for i in who]
        rest = self._random.choice(self._faces.train, self._size - 2 * self._people, replace=False)
        rows = np.concatenate([*paired, rest]) if paired else rest
        return rows, np.stack([augment(self._faces.pictures[r], self._side, self._random) for r in rows])


def augment(picture: PIXELS, side: int, random: np.random.Generator) -> PIXELS:
    """Returns what a door camera might have made of an aligned face, resized to `side` pixels.

    Mirrored, slightly misaligned, grey as under infra-red, darker or back-lit, blurred, coarse or partly hidden.
    """
    scale = side / 112
    angle, zoom = np.radians(random.normal(0, 3)), np.exp(random.normal(0, 0.04)) * scale
    shift = random.normal(0, 1.6, 2) * scale
    mirror = -1 if random.random() < 0.5 else 1
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    middle = np.array([side / 2, side / 2]) + shift - turn @ np.array([56, 56])
    flags = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, np.column_stack([turn, middle]), (side, side), flags=flags)
    if random.random() < 0.35:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if random.random() < 0.4:
        out = _relight(out, random)
    if random.random() < 0.15:
        out = _soften(out, random)
    if random.random() < 0.05:
        _hide(out, random)
    return np.asarray(out, np.uint8)


def _relight(picture: PIXELS, random: np.random.Generator) -> PIXELS:
    gain, gamma, lift = np.exp(random.normal(0, 0.2)), np.exp(random.normal(0, 0.2)), random.normal(0, 8)
    table = 255 * (np.arange(256) / 255) ** gamma * gain + lift
    return np.asarray(cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)), np.uint8)


def _soften(picture: PIXELS, random: np.random.Generator) -> PIXELS:
    side = picture.shape[0]
    kind = random.integers(3)
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 0.015 * side)), np.uint8)
    if kind == 1:
        small = int(side * random.uniform(0.4, 0.8))
        coarse = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(coarse, (side, side)), np.uint8)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 70))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _hide(picture: PIXELS, random: np.random.Generator) -> None:
    side = picture.shape[0]
    w, h = random.integers(side // 8, side // 3, 2)
    x, y = random.integers(0, side - w), random.integers(0, side - h)
    picture[y : y + h, x : x + w] = random.integers(0, 256, 3)
