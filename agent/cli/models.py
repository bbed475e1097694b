"""`latchkey models`: which models this device uses; others brought into force here, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import database, request, sealed_database
from agent.cli.output import Json, bar, say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.config import Config
    from agent.jobs.job import Steps
    from agent.upgrade.updating import House

models = typer.Typer(help="The models in force: show, bring others into force, go back.", no_args_is_help=True)


@models.command("list")
def list_all(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show which models are in force, and which there are to go back to."""
    configured = load(config, sets)
    from agent.upgrade.updating import told

    with database(configured) as db:
        found = told(db, configured)
    if json:
        say_json(found)
        return
    for name, value in found.items():
        said = (
            ", ".join(f"{number} of {model}" for model, number in value.items()) if isinstance(value, dict) else value
        )
        say(f"{name.replace('_', ' ')}: {said}")


@models.command()
def install(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `latchkey admin bundle` made.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Also where people have to be enrolled again: no pictures of them are kept.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Bring the models of a bundle into force, signed by an owner of this device. A running agent takes them at once.

    They are tested here first; everybody's templates are made anew from the pictures that are kept. Exit status: 1 if
    they are not to be used here.
    """
    configured = load(config, sets)
    from agent.upgrade.archive import LARGEST
    from agent.upgrade.updating import update

    try:
        with file.open("rb") as source:
            data = source.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    done = _carried_out(configured, lambda house: update(house, data, request(), force=force))
    if json:
        say_json(done)
    elif done.get("already"):
        say(f"{done['encoder']} is in force already")
    else:
        left = f"; {done['left']} stay of another: those people have to be enrolled again" if done["left"] else ""
        say(f"{done['encoder']} is in force: {done['templates']} templates of {done['people']} people made anew{left}")


@models.command()
def rollback(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Bring the models before into force again. Exit status: 1 if there are none."""
    configured = load(config, sets)
    from agent.upgrade.updating import roll_back

    done = _carried_out(configured, lambda house: roll_back(house, request()))
    if json:
        say_json(done)
    else:
        say(f"{done['encoder']} is in force again: {done['templates']} templates")


def _carried_out(config: Config, steps: Callable[[House], Steps]) -> dict[str, Any]:
    """Draws the steps; returns what was done."""
    from agent.upgrade.updating import House

    with sealed_database(config) as db, bar("models") as drawn:
        running = steps(House(config, db.seal.key, db, lambda change: change(db)))
        while True:
            try:
                step = next(running)
            except StopIteration as end:
                done: dict[str, Any] = end.value
                return done
            drawn(step.done, step.of or 0, step.note)
