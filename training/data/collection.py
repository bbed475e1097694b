"""All samples of a training with who is on them, where they come from, and which rows are for what.

`load` reads either a folder that `python -m training prepare` filled or archives that `training.data.folder` packed,
with what the reference encoders say of them where they were asked.
"""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from training.data import reference
from training.data.errors import DataError
from training.data.lazy import Chained, Placed

SPLITS = ("", "train", "val")
"""What an owner may say of a picture; "" leaves it to `training.data.splits`."""


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """Samples and what is known of them; row i of every array is about `samples[i]`.

    Raises:
        DataError: the parts do not fit together, or a person is in training and in validation.
    """

    samples: Sequence[NDArray[Any]]  # pictures (H, W, 3) uint8 RGB, or sequences (T, C) float32; maybe lazy
    identity: NDArray[np.int64]  # (N,), -1 where nobody knows who it is
    names: tuple[str, ...]  # name of identity i
    group: NDArray[np.str_]  # (N,) source or subgroup label, "" where unknown
    teacher: NDArray[np.float16] | None  # (N, T) unit rows of the reference encoders, or None
    train: NDArray[np.int64]  # rows
    val: NDArray[np.int64]  # rows with identity >= 0, of people not in train
    rival: NDArray[np.int64] | None = None  # (N,) whom a row imitates (a skilled forgery), -1 for nobody
    bound: frozenset[int] = frozenset()  # identities whose owner said that they are trained on

    def __post_init__(self) -> None:
        count = len(self.samples)
        lengths = {"identity": len(self.identity), "group": len(self.group)}
        lengths |= {} if self.teacher is None else {"teacher": len(self.teacher)}
        if wrong := {name: length for name, length in lengths.items() if length != count}:
            raise DataError(f"{count} samples want as many rows of everything, got {wrong}")
        if count and int(self.identity.max(initial=-1)) >= len(self.names):
            raise DataError(f"identity {int(self.identity.max())} has no name: there are {len(self.names)} names")
        if len(self.val) and int(self.identity[self.val].min()) < 0:
            raise DataError("validation rows have to be of known people: there are some with identity -1")
        both = np.intersect1d(self.identity[self.train], self.identity[self.val])
        if len(both):
            who = ", ".join(self.names[i] for i in both[:5])
            raise DataError(
                f"{len(both)} people are in training and in validation ({who}{', ...' if len(both) > 5 else ''}): "
                "split by person, as training.data.splits does"
            )

    def __len__(self) -> int:
        return len(self.samples)


def by_person(collection: Collection, rows: NDArray[np.int64], *, least: int = 1) -> dict[int, NDArray[np.int64]]:
    """Returns the rows of every known person with at least `least` of them, in the order of their first row."""
    people: dict[int, list[int]] = defaultdict(list)
    for row, person in zip(rows.tolist(), collection.identity[rows].tolist(), strict=True):
        if person >= 0:
            people[person].append(row)
    return {person: np.array(mine, np.int64) for person, mine in people.items() if len(mine) >= least}


def digest(collection: Collection, rows: NDArray[np.int64]) -> str:
    """Returns what tells these rows of a collection from others: which they are, and who is on them."""
    names = np.array([*collection.names, ""])[collection.identity[rows]].tolist()  # -1 takes the last
    return hashlib.sha256(repr((rows.tolist(), names)).encode()).hexdigest()[:16]


def train_labels(collection: Collection) -> tuple[NDArray[np.int64], int]:
    """Returns (N,) labels and how many there are: 0, 1, ... for people in training, -1 for all other rows.

    This is what a classifying loss wants: no class without a picture.
    """
    people = np.unique(collection.identity[collection.train])
    people = people[people >= 0]
    labels = np.full(len(collection), -1, np.int64)
    mine = collection.train[collection.identity[collection.train] >= 0]
    labels[mine] = np.searchsorted(people, collection.identity[mine])
    return labels, len(people)


def load(path: Path) -> Collection:
    """Returns what is at `path`, with what the reference encoders say of it.

    Raises:
        DataError: as of `load_pictures`, or they were asked about other pictures.
    """
    found = load_pictures(path)
    return replace(found, teacher=reference.read(path, len(found))) if path.is_dir() else found


def load_pictures(path: Path) -> Collection:
    """Returns what is at `path`: a prepared folder, a folder of archives, or one archive.

    Raises:
        DataError: there is nothing of that kind, or it is damaged.
    """
    from training.data.archive import PART, SUFFIXES, load_archives

    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if path.is_dir() and (path / "faces.npy").exists():
        return _prepared(path)
    if path.is_file() or any(file.suffix in SUFFIXES for file in path.iterdir()):
        return load_archives(path)
    if any(file.stem.endswith(SUFFIXES) and file.suffix == PART for file in path.iterdir()):
        raise DataError(f"{path}: a `pack` into this folder did not end: pack again into it")
    if any(entry.is_dir() for entry in path.iterdir()):
        raise DataError(f"{path}: a folder of folders; pack the pictures first: python -m training pack {path} TARGET")
    raise DataError(f"{path}: neither faces.npy nor archives ({', '.join(SUFFIXES)}) in this folder")


def _prepared(folder: Path) -> Collection:
    rows = read_index(folder / "index.csv")
    pictures = reference.read_array(folder / "faces.npy")
    if len(pictures) != len(rows):
        raise DataError(f"{folder}: faces.npy has {len(pictures)} pictures, index.csv {len(rows)} rows: prepare again")
    return from_rows(cast("Sequence[NDArray[Any]]", pictures), rows)


def read_index(file: Path) -> list[dict[str, str]]:
    """Returns the rows of an index as dictionaries.

    Raises:
        DataError: it is not there, is no UTF-8 table, or has no column `file`.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as table:
            rows = list(csv.DictReader(table, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read as a CSV table in UTF-8: {error}") from error
    if not rows:
        raise DataError(f"{file}: no rows; want a line with column names, then one for each picture")
    if "file" not in rows[0]:
        raise DataError(f"{file}: no column `file`, there are {', '.join(map(str, rows[0]))}")
    return rows


def from_rows(samples: Sequence[NDArray[Any]], rows: Sequence[dict[str, str]]) -> Collection:
    """Returns the collection that an index describes.

    Args:
        samples: (N), one for each row.
        rows: columns `identity` ("" for unknown), `group` or `source`, `split` (of `SPLITS`; who is said to train is
            never held out), `bench_overlap` (other than 0 and "": in neither split, for those look like people of the
            benchmarks). All may be absent.

    Raises:
        DataError: another split.
    """
    numbers: dict[str, int] = {}
    names = [one_spelling(row.get("identity") or "") for row in rows]
    identity = np.array([numbers.setdefault(name, len(numbers)) if name else -1 for name in names], np.int64)
    clean = np.array([(row.get("bench_overlap") or "0") == "0" for row in rows], bool)
    said = np.array([row.get("split") or "" for row in rows], np.str_)
    if len(wrong := np.flatnonzero(~np.isin(said, SPLITS))):
        row = int(wrong[0])
        where = samples.where(row) if isinstance(samples, Placed) else f"row {row}"
        raise DataError(
            f"{where}: split is {str(said[row])!r}, want train, val or nothing; leave out what is for a test"
        )
    val = said == "val"
    return Collection(
        samples=samples,
        identity=identity,
        names=tuple(numbers),
        group=np.array([row.get("group") or row.get("source") or "" for row in rows], np.str_),
        teacher=None,
        train=np.flatnonzero(clean & ~val),
        val=np.flatnonzero(clean & val & (identity >= 0)),
        bound=frozenset(identity[said == "train"].tolist()),
    )


def one_spelling(name: str) -> str:
    """Returns a person's name as NFC: a Mac writes an accent as a character of its own (NFD), and means the same."""
    return unicodedata.normalize("NFC", name)


def join(*collections: Collection) -> Collection:
    """Returns all of them, split already, as one; who has the same name in two of them is one person.

    Raises:
        DataError: some have reference embeddings and some have none, or of another width.
    """
    widths = [None if one.teacher is None else one.teacher.shape[1] for one in collections]
    if len(set(widths)) != 1:
        told = ", ".join("none" if width is None else f"{width} dimensions" for width in widths)
        raise DataError(
            f"collections with different reference embeddings do not go together ({told}): ask the same encoders about "
            "all, with python -m training label"
        )
    numbers: dict[str, int] = {}
    identities = []
    for one in collections:
        table = np.array([*(numbers.setdefault(name, len(numbers)) for name in one.names), -1], np.int64)
        identities.append(table[one.identity])  # -1 takes the last
    begins = np.concatenate([[0], np.cumsum([len(one) for one in collections])])[:-1]
    return replace(
        collections[0],
        samples=Chained([one.samples for one in collections]),
        identity=np.concatenate(identities),
        names=tuple(numbers),
        group=np.concatenate([one.group for one in collections]),
        teacher=None if widths[0] is None else np.concatenate([t for c in collections if (t := c.teacher) is not None]),
        train=np.concatenate([one.train + begin for one, begin in zip(collections, begins, strict=True)]),
        val=np.concatenate([one.val + begin for one, begin in zip(collections, begins, strict=True)]),
        bound=frozenset(),
    )
