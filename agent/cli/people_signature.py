"""`latchkey people signature`: how somebody signs, from a file; at the kiosk it is `latchkey admin enrol-signature`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import request, sealed_database
from agent.cli.output import Json, counted, say, say_json
from agent.cli.person_options import Agreed, Person
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError

if TYPE_CHECKING:
    from agent.config import Config
    from agent.mqtt.verbs.signatures import SignaturesFile
    from agent.store.db import Db

MOST_BYTES = 2**20  # five signatures of 2,000 points are half of that
File = Annotated[
    Path | None,
    typer.Argument(metavar="FILE.json", help='{"signatures": [{"points": [[x, y, ms, pressure, end], ...]}, ...]}'),
]
Clear = Annotated[bool, typer.Option("--clear", help="Forget how they sign.")]


def signature(
    person: Person,
    file: File = None,
    *,
    clear: Clear = False,
    consent: Agreed = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Say how a person signs, in place of what was known before: one to five signatures of a file. It is not kept.

    Exit status: 1 if one of them is no signature, or not like the others.
    """
    signatures = signatures_of(file, clear=clear)
    configured = load(config, sets)
    from agent.members.signatures import remove

    with sealed_database(configured) as db:
        done = _put(db, configured, person, signatures, consent) if signatures else remove(db, person, request())
    if json:
        say_json(done)
    elif clear:
        say(f"{person}: {counted(done['signatures'], 'signature')} forgotten")
    else:
        say(f"{person}: {counted(done['signatures'], 'signature')} in place of {done['replaced']}")


def signatures_of(file: Path | None, *, clear: bool) -> SignaturesFile | None:
    """Returns what a file holds; None where they are to be forgotten.

    Raises:
        CommandError: it cannot be read, or holds something else.
    """
    if (file is None) != clear:
        raise typer.BadParameter("name a FILE.json, or --clear")
    if file is None:
        return None
    from pydantic import ValidationError

    from agent.mqtt.message import Code
    from agent.mqtt.verbs.signatures import SignaturesFile
    from agent.mqtt.wire import explain

    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(Code.BAD_REQUEST, f"{file}: cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise CommandError(Code.TOO_LARGE, f"{file}: more than {MOST_BYTES:,} bytes")
    try:
        return SignaturesFile.model_validate_json(data)
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, f"{file}: {explain(error)}") from None


def _put(db: Db, config: Config, person: str, file: SignaturesFile, consent: str | None) -> dict[str, Any]:
    from agent.members.signatures import put
    from agent.signing import needed, open_signing

    signing = needed(open_signing(config, db.seal.key))
    vectors = signing.references([drawn.points for drawn in file.signatures])
    return put(db, person, vectors, request(), privacy=config.privacy, consent=consent)
