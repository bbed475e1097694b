"""Timesheets as files to take away: the same whoever asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from importlib.util import find_spec
from itertools import islice
from typing import Final

from agent.access.rules import Rules
from agent.reports.basis import Attendance, one_by_one
from agent.reports.page import as_html
from agent.reports.rows import as_csv, csv_head, csv_lines
from agent.reports.spreadsheet import as_xlsx
from agent.store.db import Db
from agent.store.rosters import who_worked

LOT: Final = 25  # people whose lines are made at once


class Kind(StrEnum):
    """Of a file."""

    CSV = "csv"  # a day a line, for programs
    XLSX = "xlsx"  # for spreadsheets
    HTML = "html"  # to look at, and to print


MEDIA_TYPES: Final = {
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.HTML: "text/html; charset=utf-8",
}


def kinds() -> list[Kind]:
    """Returns those that can be made here: spreadsheets need XlsxWriter."""
    return [kind for kind in Kind if kind is not Kind.XLSX or find_spec("xlsxwriter")]


def exported(found: Attendance, kind: Kind) -> bytes:
    """Returns a whole file.

    Raises:
        ConfigError: XlsxWriter is not installed.
    """
    match kind:
        case Kind.CSV:
            return as_csv(found).encode()
        case Kind.XLSX:
            return as_xlsx(found)
    return as_html(found).encode()


def csv_in_lots(db: Db, rules: Rules, first: date, last: date, *, at: datetime) -> Iterator[bytes]:
    """Yields the CSV file of everybody bit by bit, so that of many people few are in memory; its bytes are the same."""
    each = one_by_one(db, rules, first, last, _everybody(db), at=at)
    yield csv_head().encode()
    while lot := [*islice(each, LOT)]:
        yield "".join(map(csv_lines, lot)).encode()


def _everybody(db: Db) -> Iterator[str]:
    after = ""
    while people := who_worked(db, after=after, limit=LOT):
        yield from people
        after = people[-1]


def file_name(first: date, kind: Kind, person: str | None) -> str:
    """Returns what the file of a month is called."""
    return f"attendance-{first:%Y-%m}{f'-{person}' if person else ''}.{kind}"
