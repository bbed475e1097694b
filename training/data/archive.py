"""A few large archives that hold many small pictures as they are: read in place, by any number of processes at once.

Two kinds: zip files whose members are stored, not compressed, and tar files as WebDataset has them (`0001.jpg` beside
`0001.json`). Either way a member is a stretch of bytes of a large file, so that a picture is read from a memory map:
no file is opened for each, no position is shared between processes, and the system's cache does the rest.

A folder of archives may have an `index.csv` (file, shard, identity, group or source, split), which then says which
members count. Without one, a member's folder is the person, below those that all members share, or the JSON beside it
says `identity`, `group` and `split`.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import PictureError
from agent.vision.pictures import decode_picture
from training.data.collection import Collection, from_rows, read_index
from training.data.errors import DataError, PictureRefused
from training.data.lazy import Lazy

SUFFIXES = (".zip", ".tar")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
INDEX = "index.csv"
PART = ".part"
"""At the end of the name of what is not whole yet."""
MOST_PIXELS, MOST_BYTES = 200_000_000, 128 * 2**20
"""Of a picture: what the largest sensors of phones make. The door takes less, and decodes it the same way."""
_DAMAGED = (
    *(OSError, zipfile.BadZipFile, NotImplementedError, tarfile.TarError),  # the third is zipfile's, of a later version
    *(json.JSONDecodeError, UnicodeDecodeError),
)
_LOCAL_HEADER = 30  # bytes before a zip member's name; the lengths of name and extra field are its last four (APPNOTE)


@dataclass(frozen=True, slots=True)
class Member:
    """Where one picture lies."""

    name: str
    offset: int  # bytes from the beginning of the archive
    size: int  # bytes
    about: dict[str, str]  # what the archive itself says: identity, group, split


class Archived(Lazy):
    """Pictures in archives, (H, W, 3) uint8 RGB, each decoded when asked for. May be forked and pickled.

    Args:
        files: the archives.
        members: (file number, member) of every picture.
    """

    def __init__(self, files: Sequence[Path], members: Sequence[tuple[int, Member]]) -> None:
        self._files = tuple(files)
        self._names = [member.name for _, member in members]
        places = [(number, member.offset, member.size) for number, member in members]
        self._places = np.array(places, np.int64).reshape(-1, 3)
        self._maps: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return len(self._names)

    def at(self, index: int) -> NDArray[np.uint8]:
        """Returns a picture.

        Raises:
            DataError: it is damaged.
        """
        try:
            return decode(self.bytes_of(index))
        except PictureRefused as error:
            raise DataError(f"{self.where(index)}: {error}") from error

    def where(self, index: int) -> str:
        """Returns how a message calls a picture: archive and member."""
        return f"{self._files[self._places[index, 0]]}: {self._names[index]}"

    def bytes_of(self, index: int) -> NDArray[np.uint8]:
        """Returns the member as it lies in the archive, (bytes,)."""
        number, offset, size = self._places[index].tolist()
        if number not in self._maps:
            self._maps[number] = np.memmap(self._files[number], np.uint8, "r")
        return self._maps[number][offset : offset + size]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_maps": {}}  # a map would be pickled with all that it maps


def decode(data: bytes | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns (H, W, 3) uint8 RGB, turned as its EXIF data say.

    Raises:
        PictureRefused: these bytes are no picture, not a whole one, or one too large to be decoded.
    """
    try:
        return decode_picture(bytes(data), max_pixels=MOST_PIXELS, max_bytes=MOST_BYTES)
    except PictureError as error:
        raise PictureRefused("unreadable", str(error)) from error


def load_archives(path: Path) -> Collection:
    """Returns the pictures of one archive, or of all archives in a folder.

    Raises:
        DataError: no archive, a damaged or compressed one, an index that names what is not there, or members of which
            nothing tells whose they are.
    """
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise DataError(f"{path}: no archives ({', '.join(SUFFIXES)}) in this folder")
    found = [(number, member) for number, file in enumerate(files) for member in members_of(file)]
    if not found:
        raise DataError(f"{path}: no pictures ({', '.join(PICTURES)}) in {len(files)} archives")
    index = path / INDEX
    if path.is_dir() and index.exists():
        rows = read_index(index)
        return from_rows(Archived(files, _listed(index, rows, files, found)), rows)
    return from_rows(Archived(files, found), _described(path, [member for _, member in found]))


def _described(path: Path, members: Sequence[Member]) -> list[dict[str, str]]:
    """What archives alone tell of their members: the folder is the person, unless they say something else."""
    folders = [PurePosixPath(member.name).parent.parts for member in members]
    shared = len(os.path.commonprefix(folders))  # noqa: RUF071 - of parts, not of characters
    shared -= len(set(folders)) == 1  # one folder alone is a person's too
    rows = []
    for member, folder in zip(members, folders, strict=True):
        below = folder[shared:]
        if len(below) > 1 and "identity" not in member.about:
            raise DataError(
                f"{path}: {member.name}: whose folder is that, {' or '.join(below)}? Archives without {INDEX} hold "
                "PERSON/PICTURE; unpack others, and python -m training pack FOLDER TARGET"
            )
        rows.append({"file": member.name, "identity": "".join(below)} | member.about)
    return rows


def _listed(
    index: Path, rows: Sequence[dict[str, str]], files: Sequence[Path], found: Sequence[tuple[int, Member]]
) -> list[tuple[int, Member]]:
    """Returns the member that each row of the index means; `shard` is an archive's name, or its number."""
    shards: dict[str, int | None] = {file.name: number for number, file in enumerate(files)}
    shards |= {str(said): number for number, said in enumerate(_numbers(files))} | {"": None}
    by_name: dict[tuple[int | None, str], tuple[int, Member]] = {}
    twice: set[tuple[int | None, str]] = set()
    for number, member in found:
        keys: list[tuple[int | None, str]] = [(number, member.name), (None, member.name)]
        for key in keys:
            twice |= {key} & by_name.keys()
            by_name[key] = (number, member)
    chosen, missing = [], []
    for row in rows:
        key = (shards.get(row.get("shard", ""), -1), row["file"])  # -1: of an archive that is not here
        if key in twice:
            raise DataError(f"{index}: {row['file']} is in several archives, or twice in one: add a column `shard`")
        if key in by_name:
            chosen.append(by_name[key])
        else:
            missing.append(row["file"])
    if missing:
        names = ", ".join(missing[:5])
        raise DataError(f"{index}: {len(missing)} rows name pictures that are in no archive here: {names}; pack again")
    return chosen


def _numbers(files: Sequence[Path]) -> list[int]:
    """Returns the numbers that end the archives' names, so that none takes a missing one's place; else their order."""
    ends = [re.search(r"\d+$", file.stem) for file in files]
    said = [int(end[0]) for end in ends if end]
    return said if len(set(said)) == len(files) else list(range(len(files)))


def members_of(file: Path) -> list[Member]:
    """Returns the pictures of one archive, in the order in which they lie.

    Raises:
        DataError: it cannot be read, ends too soon, or its members are compressed.
    """
    try:
        found = _zip_members(file) if file.suffix == ".zip" else _tar_members(file)
        size = file.stat().st_size
    except _DAMAGED as error:
        raise DataError(f"{file}: not an archive that can be read, damaged or cut off: {error}") from error
    if cut := [member.name for member in found if member.offset + member.size > size]:
        raise DataError(f"{file}: ends before {cut[0]} does: copy it again")
    return found


def _zip_members(file: Path) -> list[Member]:
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if info.filename.lower().endswith(PICTURES)]
    if packed := next((info.filename for info in infos if info.compress_type != zipfile.ZIP_STORED), None):
        raise DataError(
            f"{file}: {packed} is compressed, which makes pictures no smaller and reading slower. Photographs: unpack "
            "them, and python -m training pack FOLDER TARGET; faces aligned to 112x112: zip -0 -r"
        )
    if not infos:
        return []
    content = np.memmap(file, np.uint8, "r")
    if beyond := [info.filename for info in infos if not 0 <= info.header_offset <= len(content) - _LOCAL_HEADER]:
        raise DataError(f"{file}: damaged, {beyond[0]} is said to lie outside of it: copy it again")
    headers = np.array([info.header_offset for info in infos], np.int64)
    low, high = (content[headers[:, None] + at].astype(np.int64) for at in ((26, 28), (27, 29)))
    begins = headers + _LOCAL_HEADER + (low + 256 * high).sum(1)
    return [Member(i.filename, int(at), i.file_size, {}) for i, at in zip(infos, begins, strict=True)]


def _tar_members(file: Path) -> list[Member]:
    found: list[Member] = []
    about: dict[str, dict[str, str]] = {}
    with tarfile.open(file, "r:") as archive:
        for info in archive:
            key = webdataset_key(info.name)
            if not info.isfile():
                continue
            if info.name.endswith(".json") and (side := archive.extractfile(info)):
                about[key] = _told(f"{file}: {info.name}", json.loads(side.read()))
            elif info.name.lower().endswith(PICTURES):
                found.append(Member(info.name, info.offset_data, info.size, {}))
    return [Member(m.name, m.offset, m.size, about.get(webdataset_key(m.name), {})) for m in found]


def _told(where: str, said: object) -> dict[str, str]:
    if not isinstance(said, dict):
        raise DataError(f'{where}: want {{"identity": ..., "group": ..., "split": ...}}, got {type(said).__name__}')
    known = said.keys() & {"identity", "group", "split", "source"}
    return {key: "" if said[key] is None else str(said[key]) for key in known}


def webdataset_key(name: str) -> str:
    """Returns what the parts of one WebDataset sample share: the name up to the first dot after the last slash."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{base.partition('.')[0]}"
