"""`latchkey retention`: forgetting what has been kept long enough."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, counted, say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

retention = typer.Typer(
    help="Forget what has been kept long enough; as the table retention of the configuration says.",
    no_args_is_help=True,
)


@retention.callback()
def only_one() -> None:
    """Forget what has been kept for as long as configured."""  # without a callback `run` were the whole command


@retention.command()
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only tell what would be forgotten.")] = False,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="The time is right, though nothing has set the clock.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Forget now what the agent would forget at night: old events, people who left, visitors, old receipts.

    Exit status: 1 if the clock may be wrong.
    """
    configured = load(config, sets)
    from agent.clock import clock_state
    from agent.mqtt.message import Code
    from agent.privacy.retention import carry_out, plan

    asked = request()
    with database(configured) as db:
        if dry_run:
            todo = plan(db, configured, asked.at)
            _tell(
                todo.as_json() if json else None,
                dict(todo.counts),
                {each: rule.value for each, rule in todo.people.items()},
            )
            return
        if clock_state(configured.clock.synchronised_file) == "unsynchronised" and not clock_is_right:
            raise CommandError(
                Code.CLOCK_DOUBTED,
                f"the clock says {asked.at.astimezone():%Y-%m-%d %H:%M} and nothing has set it: nothing was "
                "forgotten; wait for the network's time, or say --clock-is-right",
            )
        done = carry_out(db, configured, asked.at, asked)
    _tell(done if json else None, done["removed"], done["people"])


def _tell(json: object, counts: dict[str, int], people: dict[str, str]) -> None:
    """Prints what goes: kinds with their numbers, people with the rule or the receipt."""
    if json is not None:
        say_json(json)
        return
    for person, why in people.items():
        say(f"{person}: {why}")
    say(
        ", ".join(
            [counted(len(people), "person") if len(people) == 1 else f"{len(people)} people"]
            + [f"{kind} {count}" for kind, count in counts.items()]
        )
    )
