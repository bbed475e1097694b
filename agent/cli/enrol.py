"""`latchkey enrol`: one person from photos, or many from a folder with a subfolder of photos each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.opened import administration, request
from agent.cli.output import counted, progress, say
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import CommandError, EnrolmentRefused, LatchkeyError, PictureError
from agent.vision.photo_files import people_in

if TYPE_CHECKING:
    from agent.enrolment import Administration
    from agent.register import Enrolled


def enrol(
    who: Annotated[str, typer.Argument(metavar="PERSON|FOLDER", help="An id, or a folder with PERSON/photo.jpg.")],
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO", help="Photos of PERSON, or folders of them.")
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="What PERSON is called by humans. Default: the id.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Forget what was enrolled of them before.")] = False,
    consent: Annotated[
        str | None, typer.Option(metavar="TEXT", help="They have agreed to this text: its name and version.")
    ] = None,
    consented: Annotated[
        bool, typer.Option("--consented", help="They have agreed to the text named in privacy.consent_text.")
    ] = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Enrol a person, or add photos to one; or everybody in a folder of folders.

    All photos of a person are taken, or none and it says which ones are bad and why. A running agent knows at once.
    Nobody is enrolled who has not agreed to it (--consent), unless privacy.require_consent is off.
    Exit status: 0 if everybody was enrolled, 1 if anybody was refused.
    """
    if not photos and not Path(who).is_dir():
        raise typer.BadParameter(f"no photos of {who} were given, and there is no folder of that name")
    if not photos and name is not None:
        raise typer.BadParameter("--name is for one person")
    configured = load(config, sets)
    from agent.members.consent import text_of

    text = consent or text_of(consented or None, configured.privacy)
    with administration(configured, create=True) as people:
        if photos:
            say(_told(_enrol(people, who, _photos(photos), name=name, replace=replace, consent=text)))
        elif _enrol_all(people, Path(who), replace=replace, consent=text):
            raise typer.Exit(1)


def _enrol_all(people: Administration, folder: Path, *, replace: bool, consent: str | None) -> int:
    """Enrols everybody; returns how many were refused, after saying why."""
    persons = people_in(folder)
    if not persons:
        raise PictureError(f"{folder}: want a folder of photos in it for each person")
    done: list[Enrolled] = []
    refused: list[tuple[str, LatchkeyError]] = []
    for path in progress(persons, total=len(persons), doing="enrolling"):
        try:
            done.append(_enrol(people, path.name, _photos([path]), replace=replace, consent=consent))
        except (EnrolmentRefused, CommandError, PictureError) as error:
            refused.append((path.name, error))
    for each in done:
        say(_told(each))
    for person, why in refused:
        say(f"{person}: refused: {why}", style="red")
    say(f"{len(done)} of {len(persons)} people enrolled, {len(refused)} refused")
    return len(refused)


def _photos(paths: Sequence[Path]) -> list[Path]:
    from agent.cli.pictures import picture_files

    return picture_files(paths)


def _enrol(
    people: Administration,
    person: str,
    photos: Sequence[Path],
    *,
    name: str | None = None,
    replace: bool,
    consent: str | None,
) -> Enrolled:
    """Enrols somebody; a refusal names the files."""
    try:
        pictures = [_bytes(photo) for photo in photos]
        return people.enrol(person, name, pictures, replace=replace, consent=consent, by=request().by)
    except EnrolmentRefused as error:
        text = re.sub(r"\bphoto (\d+)\b", lambda found: photos[int(found[1]) - 1].name, str(error))
        raise EnrolmentRefused(error.code, text, error.photo) from error


def _bytes(photo: Path) -> bytes:
    try:
        return photo.read_bytes()
    except OSError as error:
        raise PictureError(f"{photo}: {error.strerror}") from error


def _told(done: Enrolled) -> str:
    return f"{done['person']}: {counted(done['added'], 'photo')} added, {counted(done['templates'], 'template')}"
