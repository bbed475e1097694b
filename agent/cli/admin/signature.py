"""`latchkey admin people signature` and `enrol-signature`: how somebody signs, from a file or at the kiosk."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import typer

from agent.cli.admin.asked import ask
from agent.cli.admin.jobs import run_live
from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait
from agent.cli.admin.told import cell
from agent.cli.output import Json, counted, say
from agent.cli.people_signature import Clear, File, signatures_of
from agent.cli.person_options import Agreed, AskConsent, Consented, Person


def signature(
    person: Person,
    file: File = None,
    *,
    clear: Clear = False,
    consent: Agreed = None,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Say how a person signs, in place of what was known before: one to five signatures of a file. It is not kept."""
    found = signatures_of(file, clear=clear)
    told: dict[str, Any] = {"person": person}
    if found is not None:
        told |= found.model_dump(mode="json") | ({"consent": consent} if consent else {})

    def words(data: Any) -> str:
        return f"{person}: {counted(data.get('signatures', 0), 'signature')}{' forgotten' if clear else ''}"

    verb = "signature_remove" if found is None else "enrol_signature"
    ask(verb, words, at=at, json=json, wait=wait, profile=profile, **told)


def enrol_signature(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id, of somebody who is enrolled.")],
    *,
    at: Annotated[str, typer.Option("--at", metavar="DEVICE", help="Whose screen they stand at.")],
    signatures: Annotated[int, typer.Option(min=1, max=5, help="Signatures that have to agree.")] = 5,
    seconds: Annotated[float, typer.Option(min=10, max=300, help="Given up after.")] = 120.0,
    consent: Agreed = None,
    consented: Consented = False,
    ask_them: AskConsent = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Have somebody sign at the screen of a door, a few times. Ctrl-C gives it up.

    With --json one object a line. Exit status: 1 if it was refused, or they have not signed in time.
    """
    agreed = consent or consented or None
    given = {"consent": agreed, "ask_consent": ask_them or None}
    told: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    told |= {"person": person, "signatures": signatures, "seconds": seconds}
    end = run_live(at, "enrol_signature_live", uuid.uuid4().hex, told, json=json, wait=wait, profile=profile)
    if not json:
        say(f"{person}: {cell(end.data.get('signatures'))} signatures")
