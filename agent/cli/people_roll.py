"""`latchkey people import` and `export-list`: many people from and to a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.access.holder import State
from agent.cli.opened import database, request
from agent.cli.output import Json, say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8; - is stdin.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Change nothing, say what would be done.")] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Add and change the people of a table: all of them, or nobody and it says which lines are wrong and why.

    The first line names the columns: id, and any of name, badge, groups, from, to, state, factors, extended, visitor,
    notes. A column that is there is set for everybody, also where its cell is empty, but for name and state. Groups
    are parted by ; or , and times are as in `people set`. Nobody is removed, and nobody's face is enrolled.
    """
    configured = load(config, sets)
    from agent.cli.zone import site_zone
    from agent.members.roll import apply_roll, read_roll

    text = read_table(file)
    with database(configured, create=not dry_run) as db:
        done = apply_roll(db, read_roll(text, site_zone(db)), request(), dry=dry_run)
    if json:
        say_json(done)
        return
    words = ", ".join(f"{number} {what}" for what, number in done.items())
    say(f"nothing was done; it would be: {words}" if dry_run else words)


def export_list(
    *,
    group: Annotated[str | None, typer.Option(metavar="GROUP", help="Only who is in it.")] = None,
    state: Annotated[State | None, typer.Option(help="Only who stands so.")] = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Print people as a table (CSV) that `people import` takes: no faces, PINs, cards or consents."""
    configured = load(config, sets)
    from agent.cli.zone import site_zone
    from agent.members.roll import write_roll
    from agent.store.people import list_people

    with database(configured) as db:
        print(write_roll(list_people(db, group=group, state=state), site_zone(db)), end="")


def read_table(file: Path) -> str:
    """Returns the text of a table; - is stdin.

    Raises:
        CommandError: it cannot be read, or is no UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return data.decode("utf-8-sig")  # spreadsheets put a mark before it
    except OSError as error:
        raise CommandError("bad_request", f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(
            "bad_request", f'{file}: not UTF-8 at byte {error.start}: save it as "CSV UTF-8" in the spreadsheet'
        ) from error
