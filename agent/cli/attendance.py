"""`latchkey attendance`: punches, corrections of them, and rosters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.attendance.rules import PunchType
from agent.cli.opened import database, request, user
from agent.cli.output import Json, counted, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


attendance = typer.Typer(help="Show and correct punches; import rosters.", no_args_is_help=True)
Why = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept.")]
By = Annotated[str | None, typer.Option(metavar="NAME", help="Who says so. Default: the user.")]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="As in '2026-11-02 08:00', by the clock on the wall of the site."),
]
Type = Annotated[PunchType | None, typer.Option(help="What it was.")]
Job = Annotated[str | None, typer.Option(metavar="CODE", help="A job code; '' takes it away.")]


@attendance.command("list")
def list_punches(
    *,
    person: Annotated[str | None, typer.Option(metavar="ID", help="Only this person.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="So many days back.")] = 7,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """List punches as they were made, each with what was said of it later."""
    configured = load(config, sets)
    from agent.reports.punches import history
    from agent.rules_in_force import load_rules
    from agent.timeclock import correction_json, punch_json

    now = datetime.now(UTC)
    with database(configured) as db:
        zone = load_rules(db).zone
        found = history(db, now - timedelta(days=days), now + timedelta(days=1), person)
    if json:
        told = [
            {**(punch_json(each.punch) if each.punch else {}), "corrections": list(map(correction_json, each.said))}
            for each in found
        ]
        say_json(told)
        return
    say_table(
        ["id", "person", "when", "what", "how", "where", ""], [line for each in found for line in each.lines(zone)]
    )


@attendance.command()
def correct(
    punch: Annotated[str, typer.Argument(metavar="ID", help="Of a punch, or of a correction; see list.")],
    *,
    why: Why,
    at: At = None,
    type: Type = None,  # noqa: A002 - the name of the option
    job: Job = None,
    void: Annotated[bool, typer.Option("--void", help="It does not count; a correction is withdrawn.")] = False,
    by: By = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Correct a punch: the time, the type, the job, or that it counts at all. The original stays.

    Exit status: 1 if there is no such punch, or the correction makes no sense.
    """
    configured = load(config, sets)
    from agent.timeclock import Said, correct, correction_json

    with database(configured) as db:
        from agent.rules_in_force import load_rules

        when = _instant(at, load_rules(db).zone)
        done = correct(db, request(), punch, Said(why, by or user(), void, when, type, job))
    if json:
        say_json(correction_json(done))
    else:
        say(f"{punch} of {done.person} corrected: {done.id}")


@attendance.command()
def add(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id.")],
    *,
    at: Annotated[str, typer.Option(metavar="TIME", help="As in '2026-11-02 08:00', by the clock on the wall.")],
    type: Annotated[PunchType, typer.Option(help="What it was.")],  # noqa: A002 - the name of the option
    why: Why,
    job: Job = None,
    by: By = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Add a punch that is missing.

    Exit status: 1 if there is no such person.
    """
    configured = load(config, sets)
    from agent.rules_in_force import load_rules
    from agent.timeclock import Said, add, correction_json

    with database(configured) as db:
        when = _instant(at, load_rules(db).zone)
        said = Said(why, by or user(), at=when, type=type, job=job or None)
        done = add(db, request(), person, said)
    if json:
        say_json(correction_json(done))
    else:
        say(f"{type} of {person} added: {done.id}")


@attendance.command("import")
def import_roster(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV (person,date,start,end) or ICS.")],
    *,
    person: Annotated[str | None, typer.Option(metavar="ID", help="Whose calendar an ICS file is.")] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Import who is to work when. For the days that a file covers it replaces what was there of its people.

    Exit status: 2 if the file is wrong; then nothing is changed.
    """
    configured = load(config, sets)
    from agent.rostering import import_roster, read_roster
    from agent.rules_in_force import load_rules

    with database(configured) as db:
        found = read_roster(file, load_rules(db).zone, datetime.now(UTC), person)
        done = import_roster(db, request(), found, file.name)
    if json:
        say_json(done)
    else:
        say(f"{file}: {counted(done['shifts'], 'shift')}, {done['changed']} changed")


def _instant(text: str | None, zone: ZoneInfo) -> datetime | None:
    from agent.attendance.walltime import instant

    try:
        return instant(text, zone) if text is not None else None
    except ValueError as error:
        raise ConfigError(f"--at: {error}") from error
