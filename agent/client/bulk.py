"""Enrolling many people at many devices: one after another, each noted when it is done, so that it can be gone on with.

The id of each command is made of what it does and of the run that the notes belong to: where the power failed between
doing and noting, the device says again that it is done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from agent.client.answers import NO_ANSWER, OFFLINE, Result
from agent.client.notes import Notes
from agent.client.parts import ask_with_parts, cut
from agent.client.staff import Newcomer
from agent.errors import CommandError, NoAnswer
from agent.mqtt.message import MAX_PAYLOAD, Code

if TYPE_CHECKING:
    from agent.client.admin import Admin

Became = Literal["enrolled", "refused", "unreachable", "done before"]
_PHOTO: Final = re.compile(r"\bphoto (\d+)\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of somebody at a device."""

    person: str
    device: str
    became: Became
    code: str = ""
    message: str = ""
    photo: str = ""  # the file, where it is about one
    templates: int | None = None

    @property
    def good(self) -> bool:
        """Whether the person is enrolled there."""
        return self.became in {"enrolled", "done before"}


@dataclass(frozen=True, slots=True)
class Manner:
    """How people are enrolled."""

    consent: str | Literal[True] | None = None  # the text they agree to; True: that of the device
    replace: bool = False  # what was enrolled of them before is forgotten
    wait_seconds: float = 30.0

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the command."""
        return ({"consent": self.consent} if self.consent else {}) | ({"replace": True} if self.replace else {})


def enrol_all(
    admin: Admin, devices: Sequence[str], people: Sequence[Newcomer], manner: Manner, notes: Notes
) -> Iterator[Outcome]:
    """Yields what becomes of each person at each device, as soon as it is known.

    A device that goes away is left out from then on; what is not done there is done the next time.
    """
    away: dict[str, NoAnswer] = {}
    for one in people:
        try:
            photos = read_photos(one.photos)
        except CommandError as error:
            yield from (Outcome(one.person, device, "refused", error.code, str(error)) for device in devices)
            continue
        digest = _digest(one, photos, manner)
        for device in devices:
            if notes.done(device, digest):
                yield Outcome(one.person, device, "done before")
            elif device in away:
                yield Outcome(one.person, device, "unreachable", OFFLINE, str(away[device]))
            else:
                told = f"{notes.run}\n{device}\n{digest}\n{notes.refused(device, digest)}"
                try:
                    outcome = enrol(admin, device, one, photos, manner=manner, command_id=id_of(told))
                except NoAnswer as error:
                    away[device] = error
                    yield Outcome(one.person, device, "unreachable", NO_ANSWER, str(error))
                    continue
                notes.note(device, one.person, digest, done=outcome.good)
                yield outcome


def enrol(
    admin: Admin, device: str, one: Newcomer, photos: Sequence[bytes], *, manner: Manner, command_id: str
) -> Outcome:
    """Enrols somebody at a device, and sets what else is told of them.

    Args:
        admin: whose line.
        device: where.
        one: who; nobody's face without photos.
        photos: the bytes of `one.photos`.
        manner: how.
        command_id: the same again does nothing twice.

    Raises:
        NoAnswer: the device is not there, or does not answer.
    """
    name = {"name": one.name} if one.name else {}
    done: Result | None = None
    if photos:
        parts, split = cut(photos)
        told = {"person": one.person, "split": split, **name, **manner.arguments}
        wait = manner.wait_seconds
        done = ask_with_parts(admin, device, "enrol", parts, command_id=command_id, wait_seconds=wait, **told)
        if not done.ok:
            return _refused(one, device, done)
    if one.particulars or not photos:
        create = {} if photos else {"create": True, **name}
        told = {"person": one.person, **one.particulars, **create}
        set_id = id_of(f"{command_id}\nperson_set")
        said = admin.ask(device, "person_set", wait_seconds=manner.wait_seconds, command_id=set_id, **told)
        if not said.ok:
            return _refused(one, device, said)
    return Outcome(one.person, device, "enrolled", templates=int(done.data.get("templates", 0)) if done else None)


def read_photos(paths: Sequence[Path]) -> list[bytes]:
    """Returns what photos hold.

    Raises:
        CommandError: one cannot be read, or is too large.
    """
    photos = []
    for path in paths:
        try:
            with path.open("rb") as file:
                photo = file.read(MAX_PAYLOAD + 1)
        except OSError as error:
            raise CommandError(Code.NOT_A_PICTURE, f"{path}: {error.strerror}") from error
        if len(photo) > MAX_PAYLOAD:
            raise CommandError(Code.TOO_LARGE, f"{path}: more than {MAX_PAYLOAD:,} bytes: make it smaller")
        photos.append(photo)
    return photos


def id_of(text: str) -> str:
    """Returns a command id that is the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _digest(one: Newcomer, photos: Sequence[bytes], manner: Manner) -> str:
    """What is the same when nothing about somebody has changed."""
    hashes = [hashlib.sha256(photo).hexdigest() for photo in photos]
    told = [one.person, one.name, one.particulars, hashes, manner.arguments]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _refused(one: Newcomer, device: str, result: Result) -> Outcome:
    """A refusal names the files: devices count photos from 1 in words, from 0 in `photo`."""

    def file(number: int) -> str:
        return one.photos[number].name if 0 <= number < len(one.photos) else f"photo {number + 1}"

    message = _PHOTO.sub(lambda found: file(int(found[1]) - 1), result.message or "")
    photo = "" if result.photo is None else file(result.photo)
    return Outcome(one.person, device, "refused", result.code or "", message, photo)
