"""Writes archives of a size that copies well, with their index: see `training.data.archive` for what reads them."""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from training.data.archive import INDEX, PART, webdataset_key
from training.data.errors import DataError

SHARD_BYTES = 256 * 2**20
"""About as much as WebDataset's own tools put into one; a hundred of them still list well."""
COLUMNS = ("file", "shard", "identity", "group", "split")
REFUSED = "refused.csv"
"""Lies beside the archives: see `training.data.folder`."""
_LEFT = rf"(pictures-\d+\.(zip|tar)|{re.escape(INDEX)})({re.escape(PART)})?"
"""What a try leaves; some of it may have got its name already, but not all."""


class Kind(StrEnum):
    """What the archives are."""

    ZIP = "zip"
    TAR = "tar"


@dataclass(frozen=True, slots=True)
class Packed:
    """One picture on its way into an archive."""

    name: str  # wished for; made unique
    content: bytes
    identity: str = ""
    group: str = ""
    split: str = ""


class Shards:
    """Writes one archive after the other, and `index.csv` when all went well. A context manager.

    Until then an archive is called `*.part`: without the index nobody would know whose splits and groups are lost.

    Args:
        target: a new or empty folder, or one that holds nothing but what a try left that did not end; that goes.
        kind: zip or tar.
        shard_bytes: an archive is ended once it holds as many.

    Raises:
        DataError: there is something else in the folder, of which these would seem to be a part.
    """

    def __init__(self, target: Path, *, kind: Kind = Kind.ZIP, shard_bytes: int = SHARD_BYTES) -> None:
        _clear(target)
        target.mkdir(parents=True, exist_ok=True)
        self._target, self._kind, self._limit = target, kind, shard_bytes
        self._rows: list[tuple[str, ...]] = []
        self._keys: set[str] = set()
        self._archive: zipfile.ZipFile | tarfile.TarFile | None = None
        self._shard, self._written = "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if error is None:
            self._finish()

    def _finish(self) -> None:
        """Gives everything its name: the index first, which then misses what has none yet."""
        index = self._target / f"{INDEX}{PART}"
        with index.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self._rows)
        index.rename(self._target / INDEX)
        for shard in dict.fromkeys(row[1] for row in self._rows):
            (self._target / f"{shard}{PART}").rename(self._target / shard)

    def add(self, packed: Packed) -> str:
        """Writes one picture; returns the name that it got."""
        if self._archive is None or self._written >= self._limit:
            self._begin()
        name = self._unique(packed.name)
        if isinstance(self._archive, zipfile.ZipFile):
            self._archive.writestr(zipfile.ZipInfo(name), packed.content)  # 1980, stored: the same bytes every time
        elif self._archive is not None:
            about = {"identity": packed.identity, "group": packed.group, "split": packed.split}
            _put(self._archive, name, packed.content)
            _put(self._archive, f"{webdataset_key(name)}.json", json.dumps(about).encode())
        self._rows.append((name, self._shard, packed.identity, packed.group, packed.split))
        self._written += len(packed.content)
        return name

    def _unique(self, name: str) -> str:
        """Two pictures may share a name up to the dot (`a.jpg`, `a.png`), where WebDataset takes them for one."""
        stem, dot, suffix = name.rpartition(".")
        folder, slash, base = stem.rpartition("/")
        stem = key = f"{folder}{slash}{base.replace('.', '_')}"
        number = 2
        while key in self._keys:
            key, number = f"{stem}-{number}", number + 1
        self._keys.add(key)
        return f"{key}{dot}{suffix}"

    def _begin(self) -> None:
        self._end()
        self._shard = f"pictures-{len({row[1] for row in self._rows}):05d}.{self._kind}"
        self._written = 0
        path = self._target / f"{self._shard}{PART}"
        self._archive = zipfile.ZipFile(path, "w") if self._kind is Kind.ZIP else tarfile.open(path, "w")  # noqa: SIM115 - closed by _end

    def _end(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _clear(target: Path) -> None:
    """Removes what a try left that did not end."""
    left = list(target.iterdir()) if target.is_dir() else []
    begun = any(entry.suffix == PART for entry in left)
    ours = [entry for entry in left if entry.name == REFUSED or (begun and re.fullmatch(_LEFT, entry.name))]
    if len(ours) < len(left) or (target.exists() and not target.is_dir()):
        raise DataError(f"{target}: there is something already: name a new or an empty folder")
    for entry in ours:
        entry.unlink()


def _put(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
