"""Packs folders of people into archives: `root/<person>/<picture>.jpg`, or a table that names pictures and people.

Nothing is changed where it lies, and nothing gets lost without a word: what is left out stands in `refused.csv` beside
the archives, with the reason, and what looks odd is said.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from agent.types import Image
from agent.vision.photo_files import SYSTEMS, of_a_system
from training.data.archive import PICTURES, decode, load_archives
from training.data.collection import SPLITS, one_spelling, read_index
from training.data.crops import already_aligned
from training.data.errors import DataError, PictureRefused
from training.data.leaks import near_duplicates
from training.data.shards import REFUSED, SHARD_BYTES, Kind, Packed, Shards

QUALITY = 95  # of the JPEG that a cut-out crop becomes: unlike PNG small and quick to decode


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture and what its owner says of it."""

    path: Path
    identity: str = ""  # "" where nobody knows
    group: str = ""
    split: str = ""  # of `SPLITS`


@dataclass(frozen=True, slots=True)
class Refused:
    """A picture that was left out."""

    listed: Listed
    code: str
    why: str


@dataclass(slots=True)
class Report:
    """What became of the pictures."""

    kept: Counter[str] = field(default_factory=Counter)  # pictures of each person
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # odd, but kept

    def __str__(self) -> str:
        people = sum(1 for person in self.kept if person)
        lines = [f"{self.kept.total()} pictures kept, {people} people; {len(self.refused)} pictures left out"]
        codes = Counter(refused.code for refused in self.refused)
        for code, count in codes.most_common():
            example = next(refused for refused in self.refused if refused.code == code)
            lines.append(f"  {count} {code.replace('_', ' ')}, such as {example.listed.path}: {example.why}")
        return shown("\n".join([*lines, *(f"note: {note}" for note in self.notes)]))


def list_folder(root: Path) -> tuple[list[Listed], list[str]]:
    """Returns the pictures below a folder, each of the person whose folder it lies in, and notes on what is odd.

    Raises:
        DataError: the folder is not there, or there are no pictures.
    """
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder")
    found = sorted(file for file in root.rglob("*") if file.is_file() and not file.name.startswith("."))
    systems = {file: made for file in found if (made := of_a_system(file.relative_to(root).parent))}
    files = [file for file in found if file not in systems]
    pictures = [file for file in files if file.suffix.lower() in PICTURES]
    if not pictures:
        others = f"{len(files)} other files" if files else "empty"
        raise DataError(f"{root}: no pictures ({', '.join(PICTURES)}), {others}; want {root}/<person>/<picture>.jpg")
    listed = [
        Listed(file, one_spelling(parts[0]) if len(parts := file.relative_to(root).parts) > 1 else "")
        for file in pictures
    ]
    notes = []
    if systems:
        made = ", ".join(sorted(set(systems.values())))
        notes.append(f"{len(systems)} files lie in folders that systems make ({made}): left out")
    if len(files) > len(pictures):
        kinds = ", ".join(sorted({file.suffix or file.name for file in files if file not in set(pictures)})[:8])
        notes.append(f"{len(files) - len(pictures)} files are no pictures that can be read ({kinds}): left out")
    if nobody := [one for one in listed if not one.identity]:
        notes.append(f"{len(nobody)} pictures lie in {root} itself: taken as of unknown people")
    with_pictures = {one.identity for one in listed}
    folders = [entry.name for entry in root.iterdir() if entry.is_dir()]
    people = sorted(one_spelling(name) for name in folders if not SYSTEMS.match(name))
    if empty := [name for name in people if name not in with_pictures]:
        notes.append(f"{len(empty)} people have no picture: {_some(empty)}")
    return listed, notes


def list_table(table: Path) -> tuple[list[Listed], list[str]]:
    """Returns the pictures of a CSV table: file (relative to the table), identity, group, split.

    Raises:
        DataError: the table cannot be read, names files that are not there, or one file for two people.
    """
    rows = read_index(table)
    listed: dict[Path, Listed] = {}
    again = 0
    for line, row in enumerate(rows, start=2):
        split = row.get("split", "")
        if split not in SPLITS:
            raise DataError(f"{table}, line {line}: split is {split!r}, want train, val or nothing")
        group = row.get("group") or row.get("source") or ""
        identity = one_spelling((row.get("identity") or "").strip())
        one = Listed(table.parent / row["file"], identity, group, split)
        before = listed.setdefault(one.path, one)
        again += before is not one
        if before != one:
            raise DataError(
                f"{table}, line {line}: {row['file']} is {one.identity!r} {one.split} here and "
                f"{before.identity!r} {before.split} before: say it once"
            )
    if missing := [str(path) for path in listed if not path.is_file()]:
        raise DataError(f"{table}: {len(missing)} of {len(listed)} files are not there: {_some(missing)}")
    return list(listed.values()), [f"{again} rows say what another says already"] if again else []


def pack(
    listed: Sequence[Listed],
    target: Path,
    *,
    crop: Callable[[Image], Image] = already_aligned,
    kind: Kind = Kind.ZIP,
    shard_bytes: int = SHARD_BYTES,
    notes: Iterable[str] = (),
) -> Report:
    """Writes archives, `index.csv` and `refused.csv` into `target`; returns what became of every picture.

    Args:
        listed: from `list_folder` or `list_table`.
        target: as of `Shards`: what a try left that did not end, or could use no picture, goes.
        crop: makes an aligned crop of a picture, see `training.data.crops`. Crops are kept byte by byte.
        kind: of archive.
        shard_bytes: about how large each may be.
        notes: what was odd already.

    Raises:
        DataError: the target is not empty or cannot be written, or no picture could be used.
    """
    report = Report(notes=list(notes))
    try:
        with Shards(target, kind=kind, shard_bytes=shard_bytes) as shards:
            kept = _fill(shards, listed, crop, report)
            _write_refused(target, report)
            if not kept:
                raise DataError(f"none of {len(listed)} pictures can be used:\n{report}")
    except OSError as error:
        raise DataError(f"{target}: not packed: {error}; make room (df -h), then pack again into it") from error
    report.notes += _odd_people(report) + _doubtful(kept, load_archives(target).samples)
    return report


def _fill(shards: Shards, listed: Sequence[Listed], crop: Callable[[Image], Image], report: Report) -> list[Listed]:
    """Packs what can be used, and returns it."""
    seen: dict[str, Listed] = {}
    kept: list[Listed] = []
    for one in track(listed, "packing"):
        try:
            content = _read(one, seen, crop, report)
        except PictureRefused as error:
            report.refused.append(Refused(one, error.code, str(error)))
            continue
        name = f"{one.identity}/{one.path.stem}" if one.identity else one.path.stem
        suffix = one.path.suffix.lower() if content is None else ".jpg"
        shards.add(Packed(f"{name}{suffix}", content or one.path.read_bytes(), one.identity, one.group, one.split))
        kept.append(one)
        report.kept[one.identity] += 1
    return kept


def _read(one: Listed, seen: dict[str, Listed], crop: Callable[[Image], Image], report: Report) -> bytes | None:
    """Returns the bytes of a picture's crop, None where those of the file itself will do."""
    if shown(name := f"{one.identity}/{one.path.name}") != name:
        raise PictureRefused("bad_name", "its name, or its folder's, is not UTF-8: rename it")
    try:
        raw = one.path.read_bytes()
    except OSError as error:
        raise PictureRefused("unreadable", f"cannot be read: {error.strerror}") from error
    before = seen.setdefault(hashlib.sha256(raw).hexdigest(), one)
    if before is not one and before.identity == one.identity:
        raise PictureRefused("duplicate", f"the same file as {before.path}")
    if before is not one:
        report.notes.append(f"{before.path} and {one.path} are the same file under two names: one of them is wrong")
    picture = decode(raw)
    cropped = crop(picture)
    if cropped is picture:
        return None
    _, data = cv2.imencode(".jpg", cv2.cvtColor(cropped, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def _write_refused(target: Path, report: Report) -> None:
    with (target / REFUSED).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "identity", "code", "why"))
        for r in report.refused:
            writer.writerow(map(shown, (str(r.listed.path), r.listed.identity, r.code, r.why)))


def _odd_people(report: Report) -> list[str]:
    notes = []
    if single := sorted(person for person, count in report.kept.items() if person and count == 1):
        notes.append(f"{len(single)} people have one picture, which matches no other: {_some(single)}")
    if lost := sorted({r.listed.identity for r in report.refused} - report.kept.keys()):
        notes.append(f"{len(lost)} people have no usable picture left: {_some(lost)}")
    alike: dict[str, list[str]] = defaultdict(list)
    for person in report.kept:
        alike[" ".join(person.casefold().replace("_", " ").split())].append(person)
    notes += [f"{' and '.join(map(repr, names))}: two people, or one?" for names in alike.values() if len(names) > 1]
    return notes


def _doubtful(kept: Sequence[Listed], pictures: Sequence[NDArray[np.uint8]]) -> list[str]:
    return [
        f"{kept[p.first].path} and {kept[p.second].path} are nearly the same picture ({p.similarity:.2f}) under two "
        "names: one of them is wrong, or both people are one"
        for p in near_duplicates(pictures, people=[one.identity for one in kept])
    ]


def shown(text: str) -> str:
    """Returns text that can be written: bytes of a file's name that are not UTF-8 with backslashes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
