"""Pen trajectories from an archive or from one's own folder, checked, and split by writer.

The archive (`online.npz`) holds `points` (sum of lengths, 5), `lengths`, `user`, `kind` (genuine or forgery) and
`session`. The folder of one's own holds a CSV file for each signature:

    mine/
      ada/                      a writer
        genuine/
          monday/01.csv         a session, if there are several: references and probes are then of different days
          tuesday/01.csv
        forgery/                by somebody else who practised; may be absent, see `thresholds`
          01.csv
      grace/genuine/01.csv

with the header `x,y,ms,pressure,end`: x to the right and y downwards in any unit, milliseconds since any moment,
pressure from 0 to 255, and 1 in `end` where the pen leaves the tablet. `pressure` and `end` may be absent. While the
pen is in the air there are no points.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.errors import DataError

COLUMNS = ("x", "y", "ms", "pressure", "end")
FEWEST_POINTS = 16
"""What is shorter is a slip of the pen; the shortest signature of SUSIG has 77 points."""
SHORTEST_MS, LONGEST_MS = 100, 120_000
"""Outside of these the clock counts something else; SUSIG lies between 890 and 33,238 ms."""
BACKWARDS_MS = 50
"""How far a clock may jump back: those of SUSIG do by 10 ms, 125 times in 645,774."""


@dataclass(frozen=True, slots=True, eq=False)
class Signatures:
    """N signatures; row i of every field is about the same one."""

    trajectories: tuple[NDArray[np.float32], ...]
    """Each (points, 5): x, y, milliseconds from its beginning, pressure 0..255, end of a stroke 0 or 1."""
    writer: NDArray[np.str_]
    """(N,) who wrote it; of a forgery: whose signature it pretends to be."""
    genuine: NDArray[np.bool_]
    session: NDArray[np.str_]
    """(N,) "" where unknown."""

    def __len__(self) -> int:
        return len(self.trajectories)

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Signatures:
        """Returns those signatures alone: rows by number or by mask."""
        numbers = np.arange(len(self))[chosen]
        return Signatures(
            tuple(self.trajectories[i] for i in numbers),
            self.writer[chosen],
            self.genuine[chosen],
            self.session[chosen],
        )


@dataclass(frozen=True, slots=True)
class Split:
    """The same signatures by writer: nobody is in two parts."""

    train: Signatures
    val: Signatures
    test: Signatures


def load(path: Path) -> Signatures:
    """Returns the signatures of an `.npz` archive or of a folder.

    Raises:
        DataError: something is missing or cannot be a signature; says which file or row.
    """
    if path.is_dir():
        found = list(_files(path))
        if not found:
            raise DataError(f"{path}: no WRITER/genuine/*.csv in it")
        parts = [(_read(file), writer, kind == "genuine", session) for file, writer, kind, session in found]
        trajectories, writers, genuine, sessions = zip(*parts, strict=True)
        signatures = Signatures(trajectories, np.array(writers), np.array(genuine), np.array(sessions))
    else:
        signatures = _archive(path)
    _check_writers(path, signatures)
    return signatures


def split(signatures: Signatures, *, val: float = 1 / 7, test: float = 2 / 7, seed: int = 0) -> Split:
    """Returns them split by writer, always in the same way; SUSIG's 70 into 40, 10 and 20.

    Raises:
        DataError: fewer than two writers would be in one of the parts, so that nobody could be taken for another.
    """
    writers = np.random.default_rng(seed).permutation(np.unique(signatures.writer))
    ends = np.cumsum([round(len(writers) * test), round(len(writers) * val)])
    parts = np.split(writers, ends)
    if min(map(len, parts)) < 2:
        raise DataError(
            f"{len(writers)} writers are too few to train, choose and test on different ones: at least 2 in each part, "
            "14 with the usual shares"
        )
    of_test, of_val, of_train = (signatures.rows(np.isin(signatures.writer, part)) for part in parts)
    return Split(of_train, of_val, of_test)


def checked(points: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """Returns a (points, 5) trajectory with a clock that begins at 0 and never goes back.

    Raises:
        DataError: it cannot be a signature; the message begins with `where`.
    """
    if points.ndim != 2 or points.shape[1] != len(COLUMNS) or len(points) < FEWEST_POINTS:
        raise DataError(
            f"{where}: want at least {FEWEST_POINTS} rows of {', '.join(COLUMNS)}, got shape {points.shape}"
        )
    if not np.isfinite(points).all():
        raise DataError(
            f"{where}: row {int(np.argmin(np.isfinite(points).all(axis=1))) + 1} has something not a number"
        )
    back = np.diff(points[:, 2])
    if back.min() < -BACKWARDS_MS:
        raise DataError(f"{where}: time goes back by {-back.min():.0f} ms at row {int(back.argmin()) + 2}")
    out = points.astype(np.float32)
    out[:, 2] = np.maximum.accumulate(points[:, 2] - points[0, 2])
    if not SHORTEST_MS <= out[-1, 2] <= LONGEST_MS:
        raise DataError(f"{where}: takes {out[-1, 2]:g} ms; the third column counts milliseconds")
    if max(np.ptp(out[:, 0]), np.ptp(out[:, 1])) <= 0:
        raise DataError(f"{where}: the pen never moves")
    if out[:, 3].min() < 0 or out[:, 3].max() > 255:
        raise DataError(f"{where}: pressure {out[:, 3].min():g} to {out[:, 3].max():g}; want 0 to 255")
    if not np.isin(out[:, 4], (0, 1)).all():
        raise DataError(f"{where}: end is 0 or 1, and 1 at the last point of a stroke")
    return out


def _files(folder: Path) -> Iterator[tuple[Path, str, str, str]]:
    for kind in ("genuine", "forgery"):
        for file in sorted(folder.glob(f"*/{kind}/**/*.csv")):
            writer, _, *sessions, _ = file.relative_to(folder).parts
            yield file, writer, kind, "/".join(sessions)


def _read(file: Path) -> NDArray[np.float32]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = _rows(csv.DictReader(lines), file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read as a CSV file in UTF-8: {error}") from error
    # in float64, since clocks that count from 1970 do not fit into float32
    points = np.array(rows, np.float64).reshape(-1, len(COLUMNS))
    if len(points):
        points[:, 2] -= points[0, 2]
    return checked(points.astype(np.float32), str(file))


def _rows(table: csv.DictReader[str], file: Path) -> list[list[float]]:
    absent = [name for name in COLUMNS[:3] if name not in (table.fieldnames or ())]
    if absent:
        raise DataError(f"{file}: no column {absent[0]}; the first line is {','.join(COLUMNS)}")
    usual = {"pressure": "128", "end": "0"}
    rows = []
    for row in table:
        try:
            rows.append([float(row.get(name) or usual.get(name, "")) for name in COLUMNS])
        except ValueError as error:
            raise DataError(f"{file}: line {table.line_num}: {error}") from None
    return rows


def _archive(path: Path) -> Signatures:
    try:
        with np.load(path, allow_pickle=False) as archive:
            points, lengths = archive["points"], archive["lengths"]
            writer, kind, session = (archive[name].astype(str) for name in ("user", "kind", "session"))
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}; want points, lengths, user, kind and session") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: neither a folder of signatures nor an .npz archive ({error})") from None
    if not len(lengths) == len(writer) == len(kind) == len(session) or lengths.sum() != len(points):
        raise DataError(f"{path}: lengths add up to {lengths.sum()} for {len(points)} points, or a field is shorter")
    strange = sorted(set(kind.tolist()) - {"genuine", "forgery"})
    if strange:
        raise DataError(f"{path}: kind is genuine or forgery, not {strange[0]}")
    parts = np.split(points, np.cumsum(lengths)[:-1])
    trajectories = tuple(checked(part, f"{path}: signature {i}") for i, part in enumerate(parts))
    return Signatures(trajectories, writer, kind == "genuine", session)


def _check_writers(path: Path, signatures: Signatures) -> None:
    for writer in np.unique(signatures.writer):
        own = int(((signatures.writer == writer) & signatures.genuine).sum())
        if own < 2:
            raise DataError(f"{path}: writer {writer} has {own} genuine signatures; at least 2 are needed to compare")
