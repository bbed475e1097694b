"""`latchkey admin roster import`, `publish` and `status`: people from tables and devices, and how far devices are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from agent.cli.admin.opened import WAIT, ProfileFolder, Wait, connected
from agent.cli.admin.roster import For, opened
from agent.cli.output import Json, say, say_json, say_table, warn
from agent.cli.people_roll import read_table
from agent.errors import CommandError

if TYPE_CHECKING:
    from agent.client import Result
    from agent.roster.messages import Head
    from agent.roster.staff import Outcome


def import_table(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="As of `people import`; - is stdin.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Change nothing, say what would be done.")] = False,
    zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Of times without an offset. Default: here.")] = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Add and change the people of a table at all devices. What the table does not name stays; nobody is removed.

    Exit status: 1 if anybody was refused; it says who and why, the others are in.
    """
    from agent.members.roll import read_roll
    from agent.roster.staff import put_table

    entries = read_roll(read_table(file), _zone(zone))
    with opened(profile, signs=not dry_run, wait=wait) as client:
        outcomes = list(put_table(client, entries, dry=dry_run))
    _tell(outcomes, json=json, dry=dry_run)


def publish(
    people: Annotated[list[str], typer.Argument(metavar="PERSON", help="Ids.")],
    *,
    source: Annotated[str, typer.Option("--from", metavar="DEVICE", help="Where they are enrolled.")],
    at: For = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Put people into the roster as a device knows them: particulars, consent; face, PIN and cards sealed.

    Exit status: 1 if anybody was refused.
    """
    from agent.roster.staff import Outcome
    from agent.roster.staff import publish as put_person

    outcomes = []
    with connected(profile, wait=wait) as admin, opened(profile, wait=wait) as client:

        def tell(person: str, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
            known = None if before is None else dict(before)
            answer = admin.ask(source, "roster_person", wait_seconds=wait, person=person, before=known).value()
            return dict(answer["body"])

        target = None if at is None else f"{client.site}/{at}"
        for person in people:
            try:
                outcomes.append(put_person(client, person, tell, target=target))
            except CommandError as error:
                outcomes.append(Outcome(person, "refused", error.code, str(error)))
    _tell(outcomes, json=json)


def status(*, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Show how far each device has read, and what of the roster is not in force there.

    Exit status: 1 if a device is behind, has a problem, or does not answer.
    """
    with opened(profile, signs=False, wait=wait) as client, connected(profile, wait=wait) as admin:
        results = admin.ask_all("@all", "roster", wait_seconds=wait)
        head = client.head_now()  # after: a device may not be ahead of it
    rows = {device: _standing(head, result) for device, result in results.items()}
    if json:
        told = {device: {"standing": rows[device], **result.as_json()} for device, result in results.items()}
        say_json({"head": {"seq": head.seq, "tally": head.tally}, "devices": told})
    else:
        say(f"the roster ends at {head.seq}")
        say_table(["device", "cursor", "standing"], [[d, _cursor(results[d]), word] for d, word in rows.items()])
        for device, result in results.items():
            for problem in (result.data or {}).get("problems", ()):
                warn(f"{device}: {problem['object']}: {problem['message']} ({problem['code']})")
            if trouble := (result.data or {}).get("trouble"):
                warn(f"{device}: {trouble}")
    if any(word != "complete" for word in rows.values()):
        raise typer.Exit(1)


def _standing(head: Head, result: Result) -> str:
    """How a device stands, in a word or two."""
    data = result.data or {}
    if not result.ok:
        return str(result.code)
    if not data["enabled"]:
        return "does not follow: [roster] enabled is false"
    if data["trouble"]:
        return "doubts the service"
    if data["cursor"] < head.seq:
        return f"{head.seq - data['cursor']} behind"
    if data["cursor"] == head.seq and data["tally"] != head.tally:
        return "holds another roster"
    return f"{len(data['problems'])} not in force" if data["problems"] else "complete"


def _cursor(result: Result) -> str:
    return str((result.data or {}).get("cursor", ""))


def _zone(name: str | None) -> ZoneInfo:
    from agent.timezone import machine_zone

    try:
        return ZoneInfo(name) if name else machine_zone()
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError("bad_request", f"--zone {name}: no time zone: want one like Europe/Berlin") from None


def _tell(outcomes: Iterable[Outcome], *, json: bool, dry: bool = False) -> None:
    told = list(outcomes)
    refused = [one for one in told if one.done == "refused"]
    counts = Counter(one.done for one in told)
    if json:
        rows = [{"person": one.person, "code": one.code, "message": one.message} for one in refused]
        say_json({**{what: counts.get(what, 0) for what in ("added", "changed", "unchanged")}, "refused": rows})
    else:
        words = ", ".join(f"{counts.get(what, 0)} {what}" for what in ("added", "changed", "unchanged"))
        say(f"nothing was done; it would be: {words}" if dry else words)
        for one in refused:
            warn(f"{one.person}: {one.message} ({one.code})")
    if refused:
        raise typer.Exit(1)
