"""`latchkey simulate`: a day at the doors, replayed from a text file; `latchkey simulate fleet`: many devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from typer.core import TyperGroup

from agent.cli.output import Json, say, say_json
from agent.cli.simulate_fleet import fleet
from agent.errors import RulesRefused, ScriptRefused

if TYPE_CHECKING:
    from agent.access.rules import Rules


class _DayOrFleet(TyperGroup):
    """A file is a day; only `fleet` is something else."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Returns the arguments, with the command that was left out."""
        if args and args[0] not in self.commands and not {*args} <= {"-h", "--help"}:
            args = ["day", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


simulations = typer.Typer(
    cls=_DayOrFleet,
    help="Replay a day from a file, or simulate a fleet: `latchkey simulate FILE`, `latchkey simulate fleet`.",
    no_args_is_help=True,
)
simulations.command("fleet")(fleet)


@simulations.command("day")
def simulate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The day, as deploy/day.example.txt explains.")],
    *,
    rules: Annotated[
        Path | None,
        typer.Option(help="The rules. Default: the file beside the script that is called as it, with .toml."),
    ] = None,
    json: Json = False,
) -> None:
    """Replay a day (people, times, doors, PINs from a text file) against the rules; print decisions and timesheet.

    Nothing is stored and no door is opened. The rules, the deciding, the lock and the timesheet are those of the agent.
    Exit status: 1 if the file or the rules are wrong, with every line that is.
    """
    from agent.simulate.read import read
    from agent.simulate.site import replay
    from agent.simulate.story import as_object, lines

    text = _text(file, "script")
    held = _rules(file.with_suffix(".toml") if rules is None else rules, given=rules is not None)
    try:
        script = read(text, held)
    except ScriptRefused as error:
        raise ScriptRefused([f"{file}: {problem}" for problem in error.problems]) from None
    replayed = replay(script, held)
    if json:
        say_json(as_object(replayed))
        return
    for line in lines(replayed):
        say(line)


def _rules(path: Path, *, given: bool) -> Rules:
    """The rules to replay against; without any, those of a device that was given none."""
    from agent.rulebook.parse import open_rules, parse

    if not given and not path.exists():
        return open_rules(ZoneInfo("UTC"))
    try:
        return parse(_text(path, "rules"), version=1)
    except RulesRefused as error:
        raise RulesRefused([f"{path}: {problem}" for problem in error.problems]) from None


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ScriptRefused([f"cannot read the {what} {path}: {why}"]) from error
