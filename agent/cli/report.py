"""`latchkey report`: timesheets, who is in, what to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, counted, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.reports.basis import Attendance
    from agent.reports.leaving import Report
    from agent.store.db import Db

report = typer.Typer(help="Timesheets, who is in, and what somebody should look at.", no_args_is_help=True)
Month = Annotated[str | None, typer.Option(metavar="YYYY-MM", help="Default: this month.")]
Person = Annotated[str | None, typer.Option(metavar="ID", help="Only this person.")]


@report.command()
def attendance(
    *,
    month: Month = None,
    person: Person = None,
    csv: Annotated[bool, typer.Option("--csv", help="A day a line; durations in seconds.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="For spreadsheets.")] = False,
    html: Annotated[bool, typer.Option("--html", help="A page to look at and to print.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; default: stdout.")] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Show what was worked in a month: a line a person, or of one person a line a day.

    A file, and --json, is in the audit: by whom, which month, of whom; what is only shown is not.

    Exit status: 1 if there is no such person, 2 if it cannot be written.
    """
    if csv + xlsx + html + json > 1:
        raise ConfigError("--csv, --xlsx, --html and --json exclude each other: choose one")
    if xlsx and out is None and sys.stdout.isatty():
        raise ConfigError("--xlsx is nothing for a terminal: name a file, as in --out november.xlsx")
    with _month(month, person, config, sets) as (found, db):
        from agent.reports import rows
        from agent.reports.exported import Kind, exported

        if csv or xlsx or html:
            kind = Kind.XLSX if xlsx else Kind.HTML if html else Kind.CSV
            made = exported(found, kind)
            _leaves(db, found, kind, person)
            _write(made, out)
        elif json:
            _leaves(db, found, "json", person)
            say_json(rows.as_json(found))
        else:
            say_table(*(rows.day_table(found) if person else rows.total_table(found)))


@report.command("who-is-in")
def who_is_in(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show who is in, since when and where seen last: the list for whoever counts heads outside."""
    configured = load(config, sets)
    from agent.reports.basis import present, present_json
    from agent.rules_in_force import load_rules
    from agent.store.rosters import workers

    now = datetime.now(UTC)
    with database(configured) as db:
        rules = load_rules(db)
        found = present(db, rules, now, configured.device.name)
        names = {worker.id: worker.name for worker in workers(db).values()}
    if json:
        say_json(present_json(found, names))
        return
    say_table(
        ["person", "name", "since", "where", "by"],
        [
            [
                each.person,
                names.get(each.person, ""),
                f"{each.since.astimezone(rules.zone):%a %H:%M}",
                each.where,
                f"{each.by}{', on a break' if each.on_break else ''}",
            ]
            for each in found
        ],
    )
    say(f"{counted(len(found), 'person') if len(found) == 1 else f'{len(found)} people'} in")


@report.command()
def exceptions(
    *, month: Month = None, person: Person = None, json: Json = False, config: ConfigFile = None, sets: Sets = None
) -> None:
    """Show what somebody should look at: late, early, absent, missing punches, wrong clocks, strangers.

    With --json it is in the audit that it was taken away.
    """
    with _month(month, person, config, sets) as (found, db):
        from agent.reports.exceptions import remarks

        told = remarks(found, db, strangers=person is None)
        if json:
            _leaves(db, found, "json", person, "exceptions")
    lines = [[f"{each.day}", each.person or "", each.what, each.detail] for each in told]
    if json:
        say_json([dict(zip(("day", "person", "what", "detail"), line, strict=True)) for line in lines])
    elif not lines:
        say("nothing to look at")
    else:
        say_table(
            ["day", "person", "what", ""], [[day, who, what.replace("_", " "), why] for day, who, what, why in lines]
        )


@contextmanager
def _month(
    month: str | None, person: str | None, config: Path | None, sets: list[str] | None
) -> Iterator[tuple[Attendance, Db]]:
    """The timesheets of a month, and the database they are from."""
    configured = load(config, sets)
    from agent.reports.basis import attendance, check_known, month_of
    from agent.rules_in_force import load_rules

    now = datetime.now(UTC)
    with database(configured) as db:
        rules = load_rules(db)
        try:
            first, last = month_of(month or f"{now.astimezone(rules.zone):%Y-%m}")
        except ValueError as error:
            raise ConfigError(f"--month: {error}") from error
        found = attendance(db, rules, first, last, at=now, person=person)
        check_known(found, person)
        yield found, db


def _leaves(db: Db, found: Attendance, kind: str, person: str | None, report: Report = "attendance") -> None:
    from agent.reports.leaving import leaves, told_of

    month, people = f"{found.first:%Y-%m}", told_of(db, person)
    leaves(db, request(), kind=kind, month=month, people=people, person=person, report=report)


def _write(made: bytes, out: Path | None) -> None:
    """Writes a file that others than its owner cannot read, or to stdout."""
    if out is None:
        sys.stdout.buffer.write(made)
        sys.stdout.buffer.flush()
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(made)
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror}") from error
    say(f"{out} written")
