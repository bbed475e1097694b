"""`latchkey identify`: who is in a picture, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.opened import administration
from agent.cli.output import Json, counted, say, say_json, warn
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import PictureError


def identify(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Pictures, or folders of them.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Say who is in pictures: every face, whom it is most like, how much, what was needed, and the verdict.

    The verdict is that of one shot; at the door several must agree. Exit status: 1 if a picture could not be read.
    """
    configured = load(config, sets)
    from agent.cli.pictures import picture_files, read_picture

    found: list[dict[str, Any]] = []
    with administration(configured) as people:
        for path in picture_files(images):
            try:
                seen = people.identify(read_picture(path)) | {"error": None}
            except PictureError as error:
                seen = {"faces": [], "error": str(error)}
            found.append({"path": str(path)} | seen)
            if not json:
                _tell(found[-1])
    if json:
        say_json(found)
    if any(each["error"] for each in found):
        raise typer.Exit(1)


def _tell(picture: dict[str, Any]) -> None:
    if picture["error"]:
        warn(f"{picture['path']}: {picture['error']}")
        return
    say(f"{picture['path']}: {counted(len(picture['faces']), 'face')}")
    for face in picture["faces"]:
        x, y, width, height = (round(side) for side in face["box"])
        known = face["verdict"] == "known"
        who = face["person"] if known else f"unknown ({face['reason']})"
        say(f"  {who}: {face['detail']}; {width}x{height} px at {x},{y}", style="green" if known else "yellow")
