"""Many people at once, from and to a table (CSV) as spreadsheets write them.

The first line names the columns: `id`, and any of `name`, `badge`, `groups`, `from`, `to`, `state`, `factors`,
`extended`, `visitor`, `notes`. A column that is there is set for everybody, also where its cell is empty: no badge, no
groups, no end; an empty name or state stays as it is. Groups are parted by ';' or ','. Nobody is removed. `person`,
`valid_from` and `valid_to` are `id`, `from` and `to`: as in the table of `admin enrol`, and in JSON.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from agent.access.holder import State
from agent.delimiter import delimiter
from agent.errors import CommandError
from agent.members.particulars import Changes, set_person
from agent.moments import moment, written
from agent.mqtt.message import Code
from agent.person_id import check_person_id
from agent.register import Request
from agent.store.db import Db
from agent.store.people import Person, list_people

COLUMNS: Final = ("id", "name", "badge", "groups", "from", "to", "state", "factors", "extended", "visitor", "notes")
MOST_PROBLEMS: Final = 20  # told at once
_ALSO_CALLED: Final = {"person": "id", "valid_from": "from", "valid_to": "to"}
_STAYS_IF_EMPTY: Final = {"name", "state"}
_FORMULA: Final = re.compile(r"'*[=+\-@|]")  # to a spreadsheet, or one with apostrophes before it already
_YES_NO: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table."""

    line: int  # of the file, from 1
    person: str
    changes: Changes
    more: Mapping[str, str] = field(default_factory=dict, repr=False)  # of columns that are not the roll's own


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line of the table that will not do."""

    line: int
    problem: str


def read_roll(text: str, zone: ZoneInfo) -> list[Entry]:
    """Returns the lines of a table, commas or semicolons between its cells.

    Raises:
        CommandError: saying what is wrong in which lines.
    """
    lines = list(read_lines(text, zone))
    _tell([f"line {each.line}: {each.problem}" for each in lines if isinstance(each, Wrong)])
    return [each for each in lines if isinstance(each, Entry)]


def read_lines(text: str, zone: ZoneInfo, more: Sequence[str] = ()) -> Iterator[Entry | Wrong]:
    """Yields what stands in each line, or what is wrong with it.

    Args:
        text: commas or semicolons between its cells.
        zone: of times without an offset.
        more: columns that may stand in it beside the roll's own.

    Raises:
        CommandError: it is no such table at all.
    """
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text.partition("\n")[0]))
    seen = dict[str, int]()
    try:
        named = [name.strip().lower() for name in next(lines, [])]
        columns = [_ALSO_CALLED.get(name, name) for name in named]
        _check_columns(columns, more)
        for cells in lines:
            line = lines.line_num
            if not any(cell.strip() for cell in cells):
                continue
            try:
                entry = _entry(line, columns, cells, zone)
                if (before := seen.setdefault(entry.person, line)) != line:
                    raise ValueError(f"{entry.person} stands in line {before} already")  # noqa: TRY301 - told with the others
                yield entry
            except ValueError as error:
                yield Wrong(line, str(error))
    except csv.Error as error:
        raise CommandError(Code.BAD_REQUEST, f"line {lines.line_num}: not CSV: {error}") from error


def apply_roll(db: Db, entries: Sequence[Entry], request: Request, *, dry: bool = False) -> dict[str, Any]:
    """Adds and changes the people of a table, all or nobody.

    Args:
        db: the database.
        entries: of `read_roll`.
        request: who asked.
        dry: change nothing, only say what would be done.

    Returns:
        How many were `added`, `changed`, and how many are `unchanged`.

    Raises:
        CommandError: saying what is wrong in which lines.
    """
    done = {"added": 0, "changed": 0, "unchanged": 0}
    before = {person.id: person for person in list_people(db)}
    problems = list[str]()
    try:
        with db.transaction():
            for entry in entries:
                try:
                    set_person(db, entry.person, entry.changes, request, create=True)
                except CommandError as error:
                    problems.append(f"line {entry.line}: {error}")
            _tell(problems)
            after = {person.id: person for person in list_people(db)}
            _roll_back(dry)
    except _DryRun:
        pass
    for entry in entries:
        was = before.get(entry.person)
        done["added" if was is None else "unchanged" if was == after[entry.person] else "changed"] += 1
    return done


def write_roll(people: Iterable[Person], zone: ZoneInfo) -> str:
    """Returns the table of these people, times local with their offset: `read_roll` reads it back.

    Text that a spreadsheet would take for a formula gets an apostrophe before it, which `read_roll` takes away
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    table = io.StringIO()
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(COLUMNS)
    for person in people:
        starts, ends = (written(at, zone) if at else "" for at in (person.valid_from, person.valid_to))
        flags = ("yes" if flag else "no" for flag in (person.extended, person.visitor))
        cells = [person.id, person.name, person.badge or "", ";".join(person.groups), starts, ends, person.state.value]
        cells += [person.factors or "", *flags, person.notes]
        lines.writerow(f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells)
    return table.getvalue()


class _DryRun(Exception):
    """Rolls back what was only tried."""


def _roll_back(dry: bool) -> None:  # noqa: FBT001 - its only argument
    if dry:
        raise _DryRun


def _check_columns(columns: Sequence[str], more: Sequence[str]) -> None:
    strange = [name for name in columns if name not in COLUMNS and name not in more]
    if strange or "id" not in columns or len(set(columns)) < len(columns):
        what = f"there is no column {strange[0][:40]!r}" if strange else "want the column id, and none twice"
        raise CommandError(Code.BAD_REQUEST, f"line 1: {what}; there are {', '.join([*COLUMNS, *more])}")


def _entry(line: int, columns: Sequence[str], cells: Sequence[str], zone: ZoneInfo) -> Entry:
    if len(cells) > len(columns):
        raise ValueError(f"{len(cells)} cells, but {len(columns)} columns")
    row = dict(zip(columns, [*cells, *[""] * (len(columns) - len(cells))], strict=True))
    person = check_person_id(row.pop("id").strip())
    readers = _readers(zone)
    values = {}
    more = {name: row.pop(name).strip() for name in [*row] if name not in readers}
    for name, cell in row.items():
        key, read = readers[name]
        if cell.strip() or name not in _STAYS_IF_EMPTY:
            text = cell.strip()
            values[key] = read(text[1:] if text.startswith("'") and _FORMULA.match(text) else text)
    return Entry(line, person, cast("Changes", values), more)


def _readers(zone: ZoneInfo) -> Mapping[str, tuple[str, Callable[[str], object]]]:
    """By column: which change it is, and what makes the value of a cell."""
    return {
        "name": ("name", str),
        "badge": ("badge", lambda cell: cell or None),
        "groups": ("groups", lambda cell: [name for part in re.split("[;,]", cell) if (name := part.strip())]),
        "from": ("valid_from", lambda cell: moment(cell, zone) if cell else None),
        "to": ("valid_to", lambda cell: moment(cell, zone, end=True) if cell else None),
        "state": ("state", _state),
        "factors": ("factors", lambda cell: cell or None),
        "extended": ("extended", _yes),
        "visitor": ("visitor", _yes),
        "notes": ("notes", str),
    }


def _state(cell: str) -> State:
    try:
        return State(cell.lower())
    except ValueError:
        raise ValueError(f"{cell[:40]!r} is no state; there are {', '.join(State)}") from None


def _yes(cell: str) -> bool:
    try:
        return _YES_NO[cell.lower()]
    except KeyError:
        raise ValueError(f"{cell[:40]!r} is neither yes nor no") from None


def _tell(problems: Sequence[str]) -> None:
    if problems:
        more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise CommandError(Code.BAD_REQUEST, "\n".join([*problems[:MOST_PROBLEMS], *more]))
