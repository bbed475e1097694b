"""`latchkey forget`: a person, everywhere on this device; `latchkey receipts`: that it was done."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.choices import AttendanceFate
from agent.cli.opened import database, request
from agent.cli.output import Json, confirmed, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

receipts = typer.Typer(help="List or show the receipts of deletions.", no_args_is_help=True)


def forget(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id; also of somebody who was removed.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="For the receipt: why, or by which letter.")] = "",
    attendance: Annotated[
        AttendanceFate | None,
        typer.Option(help="What becomes of the attendance. Default: retention.forget_attendance."),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Forget a person for good: face, PIN, cards, groups and consents, and the name in all that happened.

    Leaves a receipt without biometric data. A running agent forgets them at once.

    Exit status: 1 if nothing is held of this person, or you say no.
    """
    configured = load(config, sets)
    from agent.privacy.forgetting import Attendance, as_json
    from agent.privacy.forgetting import forget as forget_person

    question = f"Forget {person} for good? Nothing brings them back but a backup"
    with database(configured) as db:
        if not yes and not confirmed(question):
            raise typer.Exit(1)
        fate = Attendance(attendance) if attendance else None
        receipt = forget_person(db, configured, person, request(), reason=reason, attendance=fate)
    if json:
        say_json(as_json(receipt))
        return
    said = [f"{what} {_counts(counts)}" for what, counts in receipt.what.items() if counts]
    say(f"{person} forgotten: {'; '.join(said)}; receipt {receipt.id}")


@receipts.command("list")
def list_all(
    *,
    limit: Annotated[int, typer.Option(min=1, help="So many, the last.")] = 50,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """List receipts, oldest first."""
    configured = load(config, sets)
    from agent.privacy.forgetting import as_json
    from agent.store.receipts import recent

    with database(configured) as db:
        found = [as_json(receipt) for receipt in recent(db, limit)]
    if json:
        say_json(found)
        return
    columns = ["receipt", "at", "person", "by", "rule", "reason"]
    say_table(columns, [[str(one[column]) for column in columns] for one in found])


@receipts.command()
def show(
    which: Annotated[str, typer.Argument(metavar="RECEIPT|PERSON", help="Of a person the last one.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Show a receipt.

    Exit status: 1 if there is none.
    """
    configured = load(config, sets)
    from agent.mqtt.message import Code
    from agent.privacy.forgetting import as_json
    from agent.store.receipts import get

    with database(configured) as db:
        found = get(db, which)
    if found is None:
        raise CommandError(Code.UNKNOWN_RECEIPT, f"there is no receipt {which[:80]!r}: see `latchkey receipts list`")
    if json:
        say_json(as_json(found))
        return
    for key, value in as_json(found).items():
        say(f"{key}: {(_counts(value) or '-') if isinstance(value, dict) else value}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{table} {count}" for table, count in counts.items())
