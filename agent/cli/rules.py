"""`latchkey rules`: who may, where and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, counted, say, say_json, say_table, warn
from agent.cli.rules_try import try_rules
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError, ConfigError, RulesRefused

if TYPE_CHECKING:
    from agent.rulebook.holidays import Holiday
    from agent.rules_in_force import Applied
    from agent.store.db import Db

T = TypeVar("T")

MOST_BYTES = 4_000_000  # of a file: UTF-8 takes up to four for one of the million characters of rules

rules = typer.Typer(help="Check, apply and show the rules: who may, where and when.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(metavar="FILE", help="TOML; deploy/rules.example.toml explains it.")]
Expect = Annotated[
    int | None,
    typer.Option(metavar="VERSION", min=0, help="Refuse if another version is in force by now; 0: none were given."),
]


@rules.command()
def check(file: File, *, json: Json = False) -> None:
    """Say what is wrong with a file of rules, line by line. Nothing is changed.

    Exit status: 1 if anything is.
    """
    from agent.rulebook.parse import parse

    try:
        made = parse(text_of(file), version=1)
    except RulesRefused as error:
        if not json:
            raise _in(file, error) from error
        say_json({"problems": [*error.problems]})
        raise typer.Exit(1) from error
    if json:
        say_json({"problems": []})
    else:
        say(
            f"{file}: {counted(len(made.doors), 'door')}, {counted(len(made.schedules) - 1, 'schedule')}, "
            f"{counted(len(made.grants), 'group')} with grants, time zone {made.zone}: can be applied"
        )


@rules.command()
def apply(
    file: File, *, expect: Expect = None, json: Json = False, config: ConfigFile = None, sets: Sets = None
) -> None:
    """Put rules in force, all of them or none. A running agent takes them at once.

    Exit status: 1 if anything is wrong with them, or somebody else was quicker.
    """
    configured = load(config, sets)
    from agent.rulebook.parse import parse

    text, here = text_of(file), configured.device.name
    with database(configured, create=True) as db:
        try:
            applied = _applied(db, text, expect)
        except RulesRefused as error:
            raise _in(file, error) from error
    if here not in (doors := parse(text, version=applied.version).doors):
        warn(
            f"the rules do not mention {here!r}, as this device is called ([device] name): only what holds for every "
            f"door holds here; there are {', '.join(doors) or 'no doors'}"
        )
    _tell(applied, json=json)


@rules.command()
def show(
    *,
    version: Annotated[int | None, typer.Option(metavar="VERSION", min=1, help="One of the last 50.")] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Print the rules in force, or those of a version, as they were given.

    Exit status: 1 if there is no such version.
    """
    configured = load(config, sets)
    from agent.rules_in_force import as_json, edition_of

    with database(configured) as db:
        edition = edition_of(db, version)
    if json:
        say_json({"version": 0, "text": ""} if edition is None else as_json(edition))
    elif edition is None:
        warn("no rules were ever given: everybody enrolled may, at any time")
    else:
        print(edition.text, end="" if edition.text.endswith("\n") else "\n")


@rules.command()
def history(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """List the last 50 versions, the newest first: that one is in force."""
    configured = load(config, sets)
    from agent.rules_in_force import editions

    with database(configured) as db:
        listed = editions(db)
    if json:
        say_json(listed)
    else:
        say_table(["version", "at", "by", "sha256"], [[str(value) for value in one.values()] for one in listed])


@rules.command("import")
def import_days(
    file: Annotated[Path, typer.Argument(metavar="FILE.ics|FILE.csv", help="A calendar, or date,name[,kind].")],
    *,
    kind: Annotated[str, typer.Option(metavar="KIND", help="What schedules call these days.")] = "holiday",
    apply: Annotated[bool, typer.Option("--apply", help="Add those that are new to the rules in force.")] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Make special days of a calendar or a list, and print them as TOML, or add them to the rules in force.

    Exit status: 1 if the file, or one of its days, cannot be taken over.
    """
    from agent.rulebook.holidays import unknown_to

    found = _holidays(file, kind)
    if not apply:
        if json:
            say_json([day.given() for day in found])
        else:
            print("\n\n".join(day.toml() for day in found))
        return
    configured = load(config, sets)
    from agent.mqtt.message import Code
    from agent.store.rules import rules_in_force

    with database(configured) as db:
        edition = rules_in_force(db)
        if edition is None:
            raise CommandError(
                Code.UNKNOWN_VERSION, "no rules are in force that days could be added to: apply some first"
            )
        new = unknown_to(edition.text, found)
        text = "\n\n".join([edition.text.rstrip(), *(day.toml() for day in new)]) + "\n" if new else edition.text
        applied = _applied(db, text, edition.version)
    if not json:
        say(f"{counted(len(new), 'day')} added, {len(found) - len(new)} there already")
    _tell(applied, json=json)


rules.command("try")(try_rules)


def _holidays(file: Path, kind: str) -> list[Holiday]:
    from agent.rulebook.holidays import from_csv, from_ics

    try:
        if file.suffix.lower() == ".csv":
            return from_csv(text_of(file), kind=kind)
        return from_ics(_bytes(file), kind=kind)
    except RulesRefused as error:
        raise _in(file, error) from error
    except ImportError as error:
        raise ConfigError(f"{file} needs icalendar: pip install 'latchkey[reports]'") from error


def _applied(db: Db, text: str, expect: int | None) -> Applied:
    from agent.rules_in_force import apply_rules

    def write(change: Callable[[Db], T]) -> T:
        return change(db)

    return apply_rules(write, text, request(), expect=expect)


def _tell(applied: Applied, *, json: bool) -> None:
    if json:
        say_json({"version": applied.version, "sha256": applied.digest, "changed": applied.changed})
    else:
        say(f"version {applied.version} is in force{'' if applied.changed else ' already'}")


def _in(file: Path, error: RulesRefused) -> RulesRefused:
    """The same problems, each with the file."""
    return RulesRefused([f"{file}: {problem}" for problem in error.problems])


def text_of(file: Path) -> str:
    """Returns what a file of rules holds.

    Raises:
        CommandError: it cannot be read, is too large, or is not UTF-8.
    """
    from agent.mqtt.message import Code

    try:
        return _bytes(file).decode()
    except UnicodeDecodeError as error:
        raise CommandError(Code.BAD_REQUEST, f"{file}: not UTF-8 text (byte {error.start})") from None


def _bytes(file: Path) -> bytes:
    from agent.mqtt.message import Code

    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(Code.BAD_REQUEST, f"{file}: cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise CommandError(Code.TOO_LARGE, f"{file}: more than {MOST_BYTES:,} bytes")
    return data
