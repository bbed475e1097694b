"""`latchkey admin enrol`: faces from photos, one person or many, at one device or all; and from a device to others."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import At, ProfileFolder, connected, target
from agent.cli.admin.told import tell
from agent.cli.output import Json, counted, progress, say, say_json, warn
from agent.cli.person_options import Consented
from agent.errors import CommandError, ConfigError, NoAnswer

if TYPE_CHECKING:
    from agent.client import Admin
    from agent.client.bulk import Manner, Outcome
    from agent.client.staff import Newcomer

WAIT_SECONDS = 30.0  # a device looks at twenty photos for a while
Person = Annotated[str | None, typer.Argument(metavar="PERSON", help="An id; none with --from.")]
Photos = Annotated[list[Path] | None, typer.Argument(metavar="PHOTO", help="Of PERSON alone, or folders of them.")]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0.1, help="How long to wait for each answer.")]


def enrol(
    person: Person = None,
    photos: Photos = None,
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER|FILE.csv", help="Many: see deploy/ADMIN.md."),
    ] = None,
    copy_from: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="PERSON as this device knows them, without photos.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What PERSON is called by humans. Default: the id.")] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="GROUP", help="Only these groups. Repeatable.")] = None,
    badge: Annotated[str | None, typer.Option(help="Badge number.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget what was enrolled of them before.")] = False,
    consent: Annotated[str | None, typer.Option(metavar="TEXT", help="They have agreed to this text.")] = None,
    consented: Consented = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="What became of each; with --from.")] = None,
    notes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What is done, to go on from. Default: beside the source.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Do all of --from again, whatever is noted.")] = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT_SECONDS,
    profile: ProfileFolder = None,
) -> None:
    """Enrol a person from photos; or with --from everybody in a folder or a table.

    With --from, whoever is done is noted beside the source: run it again, and it goes on; who was refused is tried
    again. Exit status: 1 if anybody was refused, or a device was away.
    """
    from agent.client.bulk import Manner
    from agent.client.staff import Newcomer, photos_in

    manner = Manner(consent or consented or None, replace, wait)
    one_by_one = (name, group, badge, copy_from, *(photos or ()))
    if (source is None) == (person is None) or (source and any(one_by_one)):
        raise typer.BadParameter("name one PERSON and photos, or many people by --from FOLDER or --from FILE.csv")
    if source is not None:
        _many(source, manner, report, notes, again=again, at=at, json=json, profile=profile)
    elif copy_from is not None and not photos:
        _copy(str(person), copy_from, manner, name=name, at=at, json=json, profile=profile)
    elif not photos:
        raise typer.BadParameter(f"no photos of {person} were given")
    else:
        try:
            files = tuple(file for path in photos for file in photos_in(path))
        except ValueError as error:
            raise CommandError("not_a_picture", str(error)) from None
        one = Newcomer(str(person), files, name, None if group is None else tuple(group), badge)
        _one(one, manner, at=at, json=json, profile=profile)


def _one(one: Newcomer, manner: Manner, *, at: Sequence[str] | None, json: bool, profile: Path | None) -> None:
    from agent.client.bulk import Outcome, read_photos
    from agent.client.bulk import enrol as enrol_at

    pictures = read_photos(one.photos)
    outcomes: list[Outcome] = []
    with connected(profile) as admin:
        for device in _devices(admin, at):
            id_ = uuid.uuid4().hex
            try:
                outcomes.append(enrol_at(admin, device, one, pictures, manner=manner, command_id=id_))
            except NoAnswer as error:
                outcomes.append(Outcome(one.person, device, "unreachable", "no_answer", str(error)))
    _conclude(outcomes, json=json, summed=False)


def _many(
    source: Path,
    manner: Manner,
    report: Path | None,
    noted: Path | None,
    *,
    again: bool,
    at: Sequence[str] | None,
    json: bool,
    profile: Path | None,
) -> None:
    from agent.client.bulk import enrol_all
    from agent.client.notes import Notes
    from agent.client.staff import from_folder, from_table

    if not source.exists():
        raise ConfigError(f"--from {source}: there is no such folder or file")
    people = from_folder(source) if source.is_dir() else from_table(source)
    beside = source / ".latchkey-enrolled" if source.is_dir() else source.with_name(f".{source.name}.enrolled")
    outcomes: list[Outcome] = []
    with connected(profile) as admin, Notes(noted or beside, again=again) as notes:
        devices = _devices(admin, at)
        steps = enrol_all(admin, devices, people, manner, notes)
        try:
            for outcome in progress(steps, total=len(people) * len(devices), doing="enrolling"):
                outcomes.append(outcome)
                if not json and not outcome.good and outcome.became != "unreachable":
                    say(f"{outcome.person} at {outcome.device}: {outcome.message} ({outcome.code})", style="red")
        finally:
            if report is not None:
                _write_report(report, outcomes)
    _conclude(outcomes, json=json, summed=True)


def _copy(
    person: str,
    source: str,
    manner: Manner,
    *,
    name: str | None,
    at: Sequence[str] | None,
    json: bool,
    profile: Path | None,
) -> None:
    """What one device knows of a person goes to others of the site, sealed all the way."""
    from agent.client.handover import copy

    with connected(profile) as admin:
        whom = [device for device in _devices(admin, at) if device != source]
        results = copy(admin, person, source, whom, manner, name=name)

    def words(data: Mapping[str, Any]) -> str:
        signed = f", {counted(data['signatures'], 'signature')}" if data.get("signatures") else ""
        return f"{person}: {counted(data.get('templates', 0), 'template')}{signed}"

    tell(results, words, json=json, of=at)


def _devices(admin: Admin, at: Sequence[str] | None) -> list[str]:
    """The devices that are meant.

    Raises:
        NoAnswer: none is.
    """
    whom = target(at)
    devices = admin.members(whom)
    if not devices:
        raise NoAnswer(f"no device answers to {whom}: see `latchkey admin devices list`")
    return devices


def _conclude(outcomes: Sequence[Outcome], *, json: bool, summed: bool) -> None:
    """Says what became of all, and ends with status 1 where not all are enrolled."""
    from dataclasses import asdict

    if json:
        say_json([asdict(outcome) for outcome in outcomes])
    elif summed:
        became = [each.became for each in outcomes]
        words = [f"{became.count(word)} {word}" for word in ("enrolled", "done before", "refused", "unreachable")]
        say(f"{', '.join(words)}, of {len(outcomes)}")
    else:
        for each in outcomes:
            said = counted(each.templates, "template") if each.templates is not None else each.became
            why = f"{each.message} ({each.code})"
            say(f"{each.device}: {each.person}: {said if each.good else why}", style="" if each.good else "red")
    away = sorted({each.device for each in outcomes if each.became == "unreachable"})
    if away:
        warn(f"not reached: {', '.join(away)}{': run it again to go on' if summed else ''}")
    if not all(each.good for each in outcomes):
        raise typer.Exit(1)


def _write_report(file: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes a table; what a spreadsheet would take for a formula gets an apostrophe before it."""
    import csv
    import io
    from dataclasses import astuple, fields

    from agent.client import files
    from agent.client.bulk import Outcome
    from agent.reports.rows import safe

    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([field.name for field in fields(Outcome)])
    for outcome in outcomes:
        lines.writerow(["" if cell is None else safe(cell) for cell in astuple(outcome)])
    files.write(file, text.getvalue().encode())
