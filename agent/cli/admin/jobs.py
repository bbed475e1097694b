"""`latchkey admin enrol-live`, `job` and `jobs`: what takes long at a device."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, Device, ProfileFolder, Wait, connected
from agent.cli.admin.told import cell
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.person_options import Agreed, AskConsent, Consented
from agent.errors import CommandError, LatchkeyError

if TYPE_CHECKING:
    from agent.client import Admin, Progress

JobId = Annotated[str, typer.Argument(metavar="ID", help="Of the command, as it was told.")]


def enrol_live(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id.")],
    *,
    at: Annotated[str, typer.Option("--at", metavar="DEVICE", help="Where they stand.")],
    name: Annotated[str | None, typer.Option(help="What humans call them. Default: the id.")] = None,
    shots: Annotated[int, typer.Option(min=1, max=10, help="Good pictures wanted.")] = 5,
    seconds: Annotated[float, typer.Option(min=5, max=300, help="Given up after.")] = 60.0,
    replace: Annotated[bool, typer.Option("--replace", help="Forget what was enrolled of them before.")] = False,
    consent: Agreed = None,
    consented: Consented = False,
    ask: AskConsent = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Enrol somebody who stands at a door: the terminal guides them. Ctrl-C gives it up.

    With --json one object a line. Exit status: 1 if it was refused, or not enough good pictures came in time.
    """
    agreed = consent or consented or None
    given = {"name": name, "consent": agreed, "replace": replace or None, "ask_consent": ask or None}
    told: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    told |= {"person": person, "shots": shots, "seconds": seconds}
    end = run_live(at, "enrol_live", uuid.uuid4().hex, told, json=json, wait=wait, profile=profile)
    if not json:
        say(f"{person}: {cell(end.data.get('templates'))} templates")


def run_live(
    device: str, verb: str, job_id: str, told: dict[str, Any], *, json: bool, wait: float, profile: Path | None
) -> Progress:
    """Has a device do something with whoever stands there, and tells how far it is; returns how it ended.

    Raises:
        CommandError: it failed.
    """
    with connected(profile, wait=wait) as admin:
        try:
            steps = admin.run(device, verb, wait_seconds=wait, command_id=job_id, **told)
            return tell_progress(steps, json=json)
        except KeyboardInterrupt:
            _cancel(admin, device, job_id)
            raise


def job(
    device: Device,
    job_id: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it has ended.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Give it up.")] = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show how far a job is. Exit status: 1 if it failed."""
    from agent.client.jobs import follow as followed

    with connected(profile, wait=wait) as admin:
        if cancel:
            admin.ask(device, "job_cancel", wait_seconds=wait, id_of=job_id).value()
        steps = followed(admin, device, job_id) if follow else [admin.job(device, job_id, wait)]
        tell_progress(steps, json=json)


def jobs(device: Device, *, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the jobs that a device has accepted last."""
    with connected(profile, wait=wait) as admin:
        found = admin.ask(device, "jobs", wait_seconds=wait).value().get("jobs", ())
    if json:
        say_json([*found])
    else:
        columns = ["id_of", "verb", "by", "job", "done", "of", "code", "accepted_at"]
        say_table(columns, [[cell(each.get(column)) for column in columns] for each in found])


def tell_progress(steps: Iterable[Progress], *, json: bool) -> Progress:
    """Prints how far a job is, as it goes on; returns how it ended.

    Raises:
        CommandError: it failed.
    """
    last: Progress | None = None
    for last in steps:
        if json:
            say_json(last.as_json(), indent=None)
        else:
            of = f" {last.done} of {last.of}" if last.of is not None else ""
            say(f"{last.state}{of}{f': {last.note}' if last.note else ''}".replace("_", " "))
    if last is None:
        raise CommandError("unknown_job", "nothing is known of it")
    if last.state == "failed":
        raise CommandError(last.code or "failed", f"{last.device}: {last.message or last.code}")
    return last


def _cancel(admin: Admin, device: str, job_id: str) -> None:
    """Tells the device, if it can still be told."""
    try:
        admin.ask(device, "job_cancel", wait_seconds=2.0, id_of=job_id)
    except LatchkeyError as error:
        say(f"not cancelled: {error}")
