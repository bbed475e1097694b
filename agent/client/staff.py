"""Many people to enrol: from a folder of photos, or a table (CSV).

A folder holds for each person a folder of photos, or one photo, named by the person's id. A table has a line for each,
and in its first line the names of its columns: `person`, and any of `name`, `groups`, `badge`, `photos`. Groups are
parted by ';' or ','; photos are files or folders, from the folder of the table on, parted by ';' or '|'.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.client import files
from agent.delimiter import delimiter
from agent.errors import CommandError
from agent.mqtt.message import MAX_PHOTOS, Code
from agent.person_id import check_person_id
from agent.vision.photo_files import SUFFIXES, of_a_system, photos_below

COLUMNS: Final = ("person", "name", "groups", "badge", "photos")
MOST_PROBLEMS: Final = 20  # told at once


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to enrol."""

    person: str
    photos: tuple[Path, ...] = ()
    name: str | None = None
    groups: tuple[str, ...] | None = None  # None: they stay as they are
    badge: str | None = None

    @property
    def particulars(self) -> dict[str, object]:
        """What is set beside the face."""
        told = {"groups": None if self.groups is None else [*self.groups], "badge": self.badge}
        return {key: value for key, value in told.items() if value is not None}


def from_folder(folder: Path) -> list[Newcomer]:
    """Returns the people of a folder, by id.

    Raises:
        CommandError: saying what is wrong with which of them.
    """
    found, problems = list[Newcomer](), list[str]()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not (path.is_dir() or path.suffix.lower() in SUFFIXES):
            continue
        if path.is_dir() and of_a_system(Path(path.name)):
            continue
        person = path.name if path.is_dir() else path.stem
        try:
            found.append(_checked(Newcomer(person, tuple(photos_in(path)))))
        except ValueError as error:
            problems.append(f"{path}: {error}")
    _tell(problems, found, f"{folder}: want a folder of photos in it for each person, or a photo PERSON.jpg")
    return found


def from_table(file: Path) -> list[Newcomer]:
    """Returns the people of a table, in its order.

    Raises:
        CommandError: saying what is wrong in which lines.
    """
    try:
        text = (files.read(file) or b"").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(
            Code.BAD_REQUEST, f'{file}: not UTF-8 at byte {error.start}: save it as "CSV UTF-8" in the spreadsheet'
        ) from None
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text.partition("\n")[0]))
    found, problems, seen = list[Newcomer](), list[str](), dict[str, int]()
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        _check_columns(file, columns)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                one = _newcomer(dict(zip(columns, cells, strict=False)), file.parent)
                if (before := seen.setdefault(one.person, lines.line_num)) != lines.line_num:
                    raise ValueError(f"{one.person} stands in line {before} already")  # noqa: TRY301 - told with the others
                found.append(one)
            except ValueError as error:
                problems.append(f"{file}: line {lines.line_num}: {error}")
    except csv.Error as error:
        raise CommandError(Code.BAD_REQUEST, f"{file}: line {lines.line_num}: not CSV: {error}") from error
    _tell(problems, found, f"{file}: nobody stands in it")
    return found


def photos_in(path: Path) -> Iterator[Path]:
    """Yields a file as it is, and all pictures in a folder and below, by name.

    Raises:
        ValueError: it is not there, or there is none.
    """
    if not path.exists():
        raise ValueError(f"there is no photo {path}")
    if not path.is_dir():
        yield path
        return
    inside = photos_below(path)
    if not inside:
        raise ValueError(f"no photos in {path}: want files that end in {', '.join(sorted(SUFFIXES))}")
    yield from inside


def _newcomer(row: Mapping[str, str], folder: Path) -> Newcomer:
    told = {key: value.strip() for key, value in row.items()}
    photos = [part.strip() for part in re.split("[;|]", told.get("photos", "")) if part.strip()]
    groups = [part.strip() for part in re.split("[;,]", told.get("groups", "")) if part.strip()]
    return _checked(
        Newcomer(
            told.get("person", ""),
            tuple(file for photo in photos for file in photos_in(folder / photo)),
            told.get("name") or None,
            tuple(groups) if "groups" in told else None,
            told.get("badge") or None,
        )
    )


def _checked(one: Newcomer) -> Newcomer:
    check_person_id(one.person)
    if len(one.photos) > MAX_PHOTOS:
        raise ValueError(f"{len(one.photos)} photos of {one.person}: at most {MAX_PHOTOS}")
    return one


def _check_columns(file: Path, columns: list[str]) -> None:
    strange = [name for name in columns if name not in COLUMNS]
    if strange or "person" not in columns or len(set(columns)) < len(columns):
        what = f"there is no column {strange[0][:40]!r}" if strange else "want the column person, and none twice"
        raise CommandError(Code.BAD_REQUEST, f"{file}: line 1: {what}; there are {', '.join(COLUMNS)}")


def _tell(problems: list[str], found: list[Newcomer], nobody: str) -> None:
    if problems:
        more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise CommandError(Code.BAD_REQUEST, "\n".join([*problems[:MOST_PROBLEMS], *more]))
    if not found:
        raise CommandError(Code.BAD_REQUEST, nobody)
