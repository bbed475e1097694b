"""New models for a device, its backup fetched, a backup sent to it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from agent.backup.content import read_manifest
from agent.backup.keys import BackupKey, Recipient
from agent.backup.stream import Opened, Opener, Sealer
from agent.client.answers import Progress
from agent.client.jobs import follow, run
from agent.client.parts import ask_with_parts, cut
from agent.errors import BackupError, CommandError, NoAnswer
from agent.trust.keys import unpacked

if TYPE_CHECKING:
    from agent.client.admin import Admin

KEY: Final = "backup.key"  # in the profile's folder
TRIES: Final = 5  # to get a part
CHUNK: Final = 2**20
MOST_BYTES: Final = 60 * 2**20  # of a backup that is sent: agent.mqtt.parts keeps 64 MiB

Told = Callable[[int, int], object]


def nobody(_done: int, _of: int) -> None:
    """Tells nobody."""


def backup_key(folder: Path) -> tuple[BackupKey, bool]:
    """Returns the backup key of a profile, made where there is none, and whether it was.

    Raises:
        ConfigError: it cannot be read or made.
    """
    path = folder / KEY
    if path.exists():
        return BackupKey.read(path), False
    key = BackupKey.new()
    key.write(path)
    return key, True


def send_as_job(
    admin: Admin, device: str, verb: str, file: bytes, *, wait_seconds: float, told: Told = nobody, **arguments: Any
) -> Iterator[Progress]:
    """Sends a file with its command and yields how far the job is, the end last.

    Raises:
        NoAnswer: the device is not there, or not any more: the job may go on.
        CommandError: it was refused.
    """
    id_, (parts, _) = uuid.uuid4().hex, cut([file])
    admin.board.expect(id_)  # before it is sent: no progress is missed
    try:
        result = ask_with_parts(
            admin, device, verb, parts, command_id=id_, wait_seconds=wait_seconds, told=told, **arguments
        )
        yield Progress(result.device, id_, verb, str(result.value()["job"]), standing=result.standing)
        yield from follow(admin, device, id_)
    finally:
        admin.board.drop(id_)


def back_up(
    admin: Admin,
    device: str,
    file: Path,
    to: Recipient,
    *,
    wait_seconds: float,
    steps: Callable[[Progress], object] = lambda _: None,
    told: Told = nobody,
) -> dict[str, Any]:
    """Has a device make a backup and fetches it into a file, whole or not at all; returns what the device said of it.

    Args:
        admin: whose line.
        device: which.
        file: to be made, for its owner only.
        to: who opens it.
        wait_seconds: for each answer.
        steps: told how far the device is.
        told: of each part that is here.

    Raises:
        NoAnswer: the device is not there, or not any more.
        CommandError: it was refused, or it failed.
        BackupError: the file cannot be written, or what came is not what the device has made.
    """
    id_ = uuid.uuid4().hex
    last: Progress | None = None
    for last in run(admin, device, "backup", wait_seconds=wait_seconds, command_id=id_, to=to.text):
        steps(last)
    if last is None or last.state != "done":
        code, message = (None, None) if last is None else (last.code, last.message)
        raise CommandError(code or "failed", f"{device}: {message or 'no backup was made'}")
    said = dict(last.data or {})
    part = file.with_name(f".{file.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as sink:
            digest, of = hashlib.sha256(), int(said["parts"])
            for number in range(1, of + 1):
                got = _part(admin, device, id_, number, wait_seconds)
                digest.update(got)
                sink.write(got)
                told(number, of)
            sink.flush()
            os.fsync(sink.fileno())
        if digest.hexdigest() != said["sha256"]:
            raise BackupError(f"{file}: what came from {device} is not the backup it has made: try again")
        part.replace(file)
    except OSError as error:
        if error.strerror is None:
            raise
        raise BackupError(f"{file}: cannot be written: {error.strerror}: choose another file") from error
    finally:
        part.unlink(missing_ok=True)
    return said


def for_device(admin: Admin, device: str, source: BinaryIO, opener: Opener, *, wait_seconds: float) -> bytes:
    """Returns a backup encrypted anew, to the key that a device restores with.

    Raises:
        BackupError: it does not open.
        NoAnswer: the device is not there.
    """
    public = admin.ask(device, "restore_key", wait_seconds=wait_seconds).value()["public"]
    opened = Opened(source, opener)
    with tempfile.SpooledTemporaryFile(CHUNK) as sink:  # ciphertext alone goes to the disk
        sealer = Sealer(sink, Recipient.parse(str(public)))  # type: ignore[arg-type]  # a file all the same
        while part := opened.read(CHUNK):
            sealer.write(part)
        sealer.close()
        if sink.tell() > MOST_BYTES:
            raise BackupError(
                f"has {sink.tell() >> 20} MiB, a device takes {MOST_BYTES >> 20} over MQTT: copy it there, stop the "
                "agent, and run `latchkey restore`"
            )
        sink.seek(0)
        return sink.read()


def of_device(source: BinaryIO, opener: Opener) -> tuple[str, str]:
    """Returns whose backup it is, and of when.

    Raises:
        BackupError: it does not open.
    """
    manifest = read_manifest(Opened(source, opener))
    return f"{manifest.site}/{manifest.device}", f"{manifest.made_at:%Y-%m-%d %H:%M} UTC"


def _part(admin: Admin, device: str, id_: str, number: int, wait_seconds: float) -> bytes:
    """One part, asked for again where the connection broke."""
    for left in range(TRIES - 1, -1, -1):
        try:
            result = admin.ask(device, "backup_part", wait_seconds=wait_seconds, id_of=id_, part=number)
        except NoAnswer:
            if not left:
                raise
            continue
        with suppress(ValueError):
            return _bytes_of(str(result.value()["base64"]))
    raise BackupError(f"{device}: part {number} cannot be read")


def _bytes_of(text: str) -> bytes:
    """Returns the bytes of a text of base64.

    Raises:
        ValueError: it is none.
    """
    padding = text[-2:].count("=")
    return unpacked(text, len(text) // 4 * 3 - padding)
