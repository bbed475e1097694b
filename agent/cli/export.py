"""`latchkey export`: all that is held about a person, for the person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.asker import asker
from agent.cli.opened import database
from agent.cli.output import Json, say, say_json
from agent.cli.settings import ConfigFile, Sets, load


def export(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id; also of somebody who was removed.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.zip", help="The file to write.")],
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Write all that is held about a person into a ZIP file: a page to read, the same as JSON, and pictures.

    Other people are taken out, secrets are not in it. The file holds biometric data: hand it to nobody else.

    Exit status: 1 if nothing is held of this person, 2 if the file cannot be written.
    """
    configured = load(config, sets)
    from agent.audit import audit
    from agent.privacy.export import as_stored, crops, held, pictures, write_zip

    request = asker()
    with database(configured) as db:
        everything = held(db, configured, person, request.at, opened=as_stored)
        ids = [person, *everything["former_ids"]]
        write_zip(out, everything, {**pictures(configured, ids), **crops(db, ids, as_stored)})
        audit(db, "exported", person, request, {"counts": everything["counts"]})
    if json:
        say_json({"person": person, "file": str(out), "counts": everything["counts"]})
        return
    counts = ", ".join(f"{kind} {count}" for kind, count in everything["counts"].items())
    say(f"{out}: all that is held about {person}: {counts}")
