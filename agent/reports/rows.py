"""A timesheet as rows: for the terminal, for CSV, for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from typing_extensions import TypedDict

from agent.attendance.sheet import Day, Sheet
from agent.reports.basis import Attendance
from agent.reports.flags import to_look_at
from agent.reports.words import clock, hours


class Sums(TypedDict):
    """What a day or some days come to."""

    planned_seconds: int
    worked_seconds: int
    break_seconds: int
    deducted_seconds: int
    overtime_seconds: int
    balance_seconds: int
    late_seconds: int
    early_seconds: int


SUMS: Final = tuple(Sums.__annotations__)
"""The numbers of a day, all in seconds."""
COLUMNS: Final = ("person", "name", "day", "kind", "in", "out", *SUMS, "flags", "jobs")
_FORMULA: Final = re.compile(r"\s*[=+\-@|]|[\t\r\n]")


def as_csv(found: Attendance) -> str:
    """Returns a day a line, with a line of headings. Times are local, with their offset; durations are seconds.

    Text that a spreadsheet would take for a formula gets an apostrophe before it
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return csv_head() + csv_lines(found)


def csv_head() -> str:
    """Returns the line of headings."""
    return _csv([COLUMNS])


def csv_lines(found: Attendance) -> str:
    """Returns the lines below it."""
    return _csv([safe(row[column]) for column in COLUMNS] for row in rows(found))


def _csv(lines: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(lines)  # RFC 4180
    return out.getvalue()


def rows(found: Attendance) -> Iterable[dict[str, Any]]:
    """Yields a row for each day of each person that has something to say."""
    for sheet in found.sheets:
        for day in sheet.days:
            if day.punches or day.planned:
                yield _row(found, sheet, day)


def _row(found: Attendance, sheet: Sheet, day: Day) -> dict[str, Any]:
    came, left = came_and_left(day)
    zone = found.rules.zone
    return {
        "person": sheet.person,
        "name": found.name(sheet.person),
        "day": day.day.isoformat(),
        "kind": day.kind or "",
        "in": came.astimezone(zone).isoformat(timespec="seconds") if came else "",
        "out": left.astimezone(zone).isoformat(timespec="seconds") if left else "",
        **{name: getattr(day, name) for name in SUMS},
        "flags": " ".join(day.flags),
        "jobs": " ".join(f"{job}={seconds}" for job, seconds in sorted((day.jobs or {}).items())),
    }


def sums_of(total: Callable[[str], int]) -> Sums:
    """Returns the numbers of a day or of some, each as `total` knows it."""
    return cast("Sums", {name: total(name) for name in SUMS})


def came_and_left(day: Day) -> tuple[datetime | None, datetime | None]:
    """Returns when somebody first came and last left, as punched."""
    came = day.stays[0].came.at if day.stays else None
    last = day.stays[-1].left if day.stays else None
    return came, last.at if last else None


def as_json(found: Attendance) -> list[dict[str, Any]]:
    """Returns the sheets as JSON values: totals of each person, and the days."""
    by_person: dict[str, list[dict[str, Any]]] = {sheet.person: [] for sheet in found.sheets}
    for row in rows(found):
        by_person[row["person"]].append({key: row[key] for key in row if key not in {"person", "name"}})
    return [
        {
            "person": sheet.person,
            "name": found.name(sheet.person),
            "shift": sheet.shift,
            **{name: sheet.total(name) for name in SUMS},
            "special": sheet.special,
            "jobs": sheet.jobs,
            "days": by_person[sheet.person],
        }
        for sheet in found.sheets
    ]


def day_table(found: Attendance) -> tuple[Sequence[str], list[list[str]]]:
    """Returns headings and a line a day, of all people, for a terminal."""
    zone, lines = found.rules.zone, []
    for sheet in found.sheets:
        planned = sheet.total("planned_seconds")
        for day in sheet.days:
            if not (day.punches or day.planned):
                continue
            came, left = came_and_left(day)
            sums = [hours(day.planned_seconds) if planned else "", hours(day.worked_seconds), hours(paused(day))]
            more = [hours(day.overtime_seconds), hours(day.balance_seconds, signed=True) if planned else ""]
            times = [clock(at, zone) if at else "" for at in (came, left)]
            flags = ", ".join(flag.replace("_", " ") for flag in day.flags)
            lines.append([sheet.person, f"{day.day:%a %Y-%m-%d}", *times, *sums, *more, flags])
        lines.append([sheet.person, "total", "", "", *_totals(sheet), ""])
    return ("person", "day", "in", "out", "planned", "worked", "breaks", "overtime", "balance", ""), lines


def total_table(found: Attendance) -> tuple[Sequence[str], list[list[str]]]:
    """Returns headings and a line a person, for a terminal."""
    lines = []
    for sheet in found.sheets:
        flagged = to_look_at(sheet.days)
        lines.append([sheet.person, found.name(sheet.person), *_totals(sheet), str(flagged) if flagged else ""])
    return ("person", "name", "planned", "worked", "breaks", "overtime", "balance", "days to look at"), lines


def paused(day: Day) -> int:
    """Returns the seconds of break, punched and deducted."""
    return day.break_seconds + day.deducted_seconds


def _totals(sheet: Sheet) -> list[str]:
    """Sums of a person; without a plan there is none to show, and no balance."""
    breaks, planned = sheet.total("break_seconds") + sheet.total("deducted_seconds"), sheet.total("planned_seconds")
    sums = [hours(seconds) for seconds in (sheet.total("worked_seconds"), breaks, sheet.total("overtime_seconds"))]
    balance = hours(sheet.total("balance_seconds"), signed=True)
    return [hours(planned), *sums, balance] if planned else ["", *sums, ""]


def safe(cell: object) -> object:
    """Returns a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
