"""What a month's report of many people costs, from the database to the file.

    python -m tests.benchmarks.timesheets [--people 500] [--years 1]

Everybody punches four times on every working day: in, out for lunch, back, out; now and then an admin has corrected
something. A year of punches is in the database, the report is of one month of it.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from agent.attendance.punch import Correction, Punch
from agent.attendance.rules import PunchType, TypeBy
from agent.reports.basis import attendance
from agent.reports.page import as_html
from agent.reports.rows import as_csv
from agent.reports.spreadsheet import as_xlsx
from agent.rulebook.parse import parse
from agent.store import people, punches
from agent.store.db import Db, open_db

T = TypeVar("T")
RULES = """
time_zone = "Europe/Berlin"
[schedules.office]
mon-fri = ["08:00-17:00"]
[attendance]
overtime_daily_minutes = 600
overtime_weekly_minutes = 2400
[[attendance.deductions]]
after_minutes = 360
minutes = 30
[shifts.day]
schedule = "office"
break_minutes = 30
late_minutes = 5
[[work]]
groups = ["staff"]
shift = "day"
"""
TYPES = (PunchType.IN, PunchType.BREAK_START, PunchType.BREAK_END, PunchType.OUT)
HOURS = (8.0, 12.0, 12.6, 17.1)
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)  # over the end of summer time


def main() -> None:
    """Prints what each step takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--years", type=float, default=1.0)
    options = parser.parse_args()
    rules = parse(RULES, version=1)
    with tempfile.TemporaryDirectory() as folder, open_db(Path(folder) / "latchkey.db") as db:
        stored = _fill(db, options.people, options.years, rules.zone)
        at = datetime(2026, 11, 2, 12, tzinfo=rules.zone)
        print(f"{options.people} people, {stored:,} punches in the database, the report is of {FIRST:%B %Y}")
        found = _timed("read and weighed", lambda: attendance(db, rules, FIRST, LAST, at=at))
        shown = sum(len(day.punches) for sheet in found.sheets for day in sheet.days)
        worked = sum(sheet.total("worked_seconds") for sheet in found.sheets)
        print(f"  {len(found.sheets)} sheets, {shown:,} punches, {worked / 3600:,.0f} h worked")
        for name, make in (("as CSV", as_csv), ("as HTML", as_html), ("as xlsx", as_xlsx)):
            _timed(name, lambda make=make: make(found))
        _timed("one person's", lambda: attendance(db, rules, FIRST, LAST, at=at, person="p0007"))


def _timed(name: str, make: Callable[[], T]) -> T:
    started = time.perf_counter()
    made = make()
    print(f"{name:>18}: {time.perf_counter() - started:7.3f} s")
    return made


def _fill(db: Db, many: int, years: float, zone: ZoneInfo) -> int:
    """Makes people, their punches, and a correction of one in two hundred."""
    dice, number = random.Random(1), 0
    with db.transaction() as sql:
        for n in range(many):
            person = f"p{n:04}"
            people.add_person(db, person, name=f"Person {n}", at=datetime(2025, 1, 1, tzinfo=zone))
            sql.execute("INSERT INTO memberships VALUES (?, 'staff')", (person,))
            for punch in _punches(person, years, zone, dice):
                punches.append(db, punch)
                number += 1
                if dice.random() < 1 / 200:
                    moved = punch.at + timedelta(minutes=5)
                    punches.add_correction(
                        db, Correction(f"c{number}", punch.id, person, "boss", "forgot", moved, at=moved)
                    )
    return number


def _punches(person: str, years: float, zone: ZoneInfo, dice: random.Random) -> Iterator[Punch]:
    day = LAST - timedelta(days=round(365 * years))
    while day <= LAST:
        if day.weekday() < 5:
            for kind, hour in zip(TYPES, HOURS, strict=True):
                wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(
                    hours=hour, seconds=dice.randint(-600, 600)
                )
                yield Punch(f"{person}{day:%y%m%d}{hour:g}", person, wall, kind, by=TypeBy.TOGGLE, boot_id="b1")
        day += timedelta(days=1)


if __name__ == "__main__":
    main()
