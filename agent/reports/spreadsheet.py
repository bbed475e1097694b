"""A timesheet as .xlsx: totals on one sheet, days on another."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import Any, Final

from agent.errors import ConfigError
from agent.reports.basis import Attendance
from agent.reports.rows import COLUMNS, SUMS, rows

_TITLES: Final = {name: name.removesuffix("_seconds").capitalize() for name in COLUMNS}
_WIDTHS: Final = {"name": 24, "person": 16, "flags": 28, "jobs": 20, "in": 17, "out": 17}


def as_xlsx(found: Attendance) -> bytes:
    """Returns the file. Durations are of a kind that spreadsheets add up, beyond 24 hours too.

    Raises:
        ConfigError: XlsxWriter is not installed.
    """
    try:
        from xlsxwriter import Workbook
    except ImportError as error:
        raise ConfigError("a spreadsheet needs XlsxWriter: pip install 'latchkey[reports]'") from error
    out = io.BytesIO()
    # No text becomes a formula or a link, whatever people are called
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    # 1904: the only calendar in which spreadsheets can show a negative duration
    with Workbook(out, {"in_memory": True, "date_1904": True, **plain}) as book:
        book.set_properties(
            {"title": f"Attendance {found.first} to {found.last}", "created": found.at.replace(tzinfo=None)}
        )
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
            "hours": book.add_format({"num_format": "[h]:mm;[Red]-[h]:mm"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        _totals(book.add_worksheet("Totals"), found, formats)
        _days(book.add_worksheet("Days"), found, formats)
    return out.getvalue()


def _totals(page: Any, found: Attendance, formats: dict[str, Any]) -> None:
    _head(page, ("person", "name", *SUMS), formats)
    for line, sheet in enumerate(found.sheets, 1):
        page.write_string(line, 0, sheet.person)
        page.write_string(line, 1, found.name(sheet.person))
        for column, name in enumerate(SUMS, 2):
            _duration(page, line, column, sheet.total(name), formats)


def _days(page: Any, found: Attendance, formats: dict[str, Any]) -> None:
    _head(page, COLUMNS, formats)
    last = 0
    for last, row in enumerate(rows(found), 1):
        for column, name in enumerate(COLUMNS):
            value = row[name]
            if name in SUMS:
                _duration(page, last, column, value, formats)
            elif name == "day":
                page.write_datetime(last, column, date.fromisoformat(value), formats["day"])
            elif name in {"in", "out"} and value:  # what the clock on the wall showed
                page.write_datetime(last, column, datetime.fromisoformat(value).replace(tzinfo=None), formats["time"])
            else:
                page.write_string(last, column, value)
    page.autofilter(0, 0, max(last, 1), len(COLUMNS) - 1)


def _head(page: Any, columns: tuple[str, ...], formats: dict[str, Any]) -> None:
    page.freeze_panes(1, 2)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for column, name in enumerate(columns):
        page.write_string(0, column, _TITLES[name], formats["head"])
        page.set_column(column, column, _WIDTHS.get(name, 11))


def _duration(page: Any, line: int, column: int, seconds: int, formats: dict[str, Any]) -> None:
    if seconds >= 0:
        page.write_datetime(line, column, timedelta(seconds=seconds), formats["hours"])
    else:
        page.write_number(line, column, seconds / 86400, formats["hours"])
