"""`latchkey admin bundle`, `models`, `update-model`, `rollback-model`, `backup` and `restore`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.admin.opened import At, Device, ProfileFolder, Wait, Yes, connected, passphrase, profile_of, target
from agent.cli.admin.told import cell, check_any, end, rows_of
from agent.cli.output import Json, bar, confirmed, say, say_json, warn
from agent.errors import BackupError, CommandError, ConfigError

if TYPE_CHECKING:
    from agent.backup.keys import BackupKey, Recipient
    from agent.client import Progress

WAIT_SECONDS = 30.0  # of an answer; parts go before it
BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="What `latchkey admin bundle` made.")]
Whom = Annotated[str, typer.Argument(metavar="DEVICE|@GROUP", help="A device, or a group: one after the other.")]


def bundle(
    encoder: Annotated[Path, typer.Argument(metavar="ENCODER.tflite", help="Its card (.json) lies beside it.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="To be made.")],
    detector: Annotated[Path | None, typer.Option(metavar="DETECTOR.tflite", help="With its card, too.")] = None,
    minimum: Annotated[str | None, typer.Option(metavar="VERSION", help="Of Latchkey. Default: this one.")] = None,
    profile: ProfileFolder = None,
) -> None:
    """Make a bundle of new models, signed with your key: devices that know you as an owner take it."""
    from agent.client import key_file
    from agent.upgrade.archive import pack, unpack
    from agent.version import VERSION

    models = {"encoder": encoder} | ({"detector": detector} if detector else {})
    key = key_file.read(profile_of(profile).key_file, passphrase)
    data = pack(models, key, datetime.now(UTC), minimum or VERSION)
    made = unpack(data).signed.manifest
    try:
        out.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}: choose another file") from error
    say(f"{out}: {made.encoder}{f' and {made.detector}' if made.detector else ''}, {len(data) / 1e6:.1f} MB")


def models(*, at: At = None, json: Json = False, wait: Wait = WAIT_SECONDS, profile: ProfileFolder = None) -> None:
    """Show which models are in force, and which there are to go back to."""
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "models", wait_seconds=wait)
    check_any(results, whom)
    if json:
        say_json({device: result.as_json() for device, result in results.items()})
    else:
        columns = ["encoder", "since", "previous", "proved", "without_crops"]
        rows_of(results, columns, lambda data: [[cell(data.get(column)) for column in columns]])
    end(results)


def update_model(
    whom: Whom,
    file: BundleFile,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Also where people have to be enrolled again: no pictures of them are kept.")
    ] = False,
    json: Json = False,
    wait: Wait = WAIT_SECONDS,
    profile: ProfileFolder = None,
) -> None:
    """Bring new models into force: tested on the device, everybody's templates made anew, undone where that fails.

    Of a group one device after the other: the first that fails ends it. Exit status: 1 if one did.
    """
    from agent.client.upgrades import send_as_job

    data = _read(file)
    with connected(profile, wait=wait) as admin:
        devices = admin.members(target([whom]), wait)
        if not devices:
            raise CommandError("unknown_device", f"no device is in {whom}: see `latchkey admin devices list`")
        for number, device in enumerate(devices, start=1):
            with bar(device) as drawn:
                steps = send_as_job(
                    admin,
                    device,
                    "update_model",
                    data,
                    wait_seconds=wait,
                    told=lambda done, of: drawn(done, of, f"{device}: sending"),  # noqa: B023 - used at once
                    force=force,
                )
                end = _last(steps, drawn, device, json=json)
            if end.state == "failed":
                left = len(devices) - number
                rest = f"; nothing was sent to the {left} after it" if left else ""
                raise CommandError(end.code or "failed", f"{device}: {end.message or end.code}{rest}")
            if not json:
                said = end.data or {}
                say(f"{device}: {said.get('encoder')}, {said.get('templates', 'all')} templates made anew")


def rollback_model(
    device: Device, *, json: Json = False, wait: Wait = WAIT_SECONDS, profile: ProfileFolder = None
) -> None:
    """Bring the models before into force again."""
    with connected(profile, wait=wait) as admin, bar(device) as drawn:
        end = _last(admin.run(device, "rollback_model", wait_seconds=wait), drawn, device, json=json)
    _check(end)
    if not json:
        say(f"{device}: {(end.data or {}).get('encoder')}")


def backup(
    device: Device,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To be made.")],
    *,
    to: Annotated[
        str | None, typer.Option(metavar="PUBLIC", help="Who opens it. Default: backup.key of your profile.")
    ] = None,
    json: Json = False,
    wait: Wait = WAIT_SECONDS,
    profile: ProfileFolder = None,
) -> None:
    """Fetch everything that makes a device, encrypted by it: neither the broker nor the network can read it."""
    from agent.client import upgrades

    recipient = _recipient(to, profile)
    with connected(profile, wait=wait) as admin, bar(device) as drawn:
        said = upgrades.back_up(
            admin,
            device,
            file,
            recipient,
            wait_seconds=wait,
            steps=lambda step: drawn(step.done or 0, step.of or 0, f"{device}: {step.note or step.state}"),
            told=lambda done, of: drawn(done, of, f"{device}: fetching"),
        )
    if json:
        say_json({"file": str(file), "device": device, **said})
    else:
        say(f"{file}: {said['bytes'] / 1e6:.1f} MB of {device}, opens with the backup key {recipient.id}")


def restore(
    device: Device,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `latchkey admin backup` fetched.")],
    *,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What opens it. Default: backup.key of your profile.")
    ] = None,
    without_configuration: Annotated[
        bool, typer.Option("--without-configuration", help="Leave the device's configuration as it is.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also the backup of another device.")] = False,
    yes: Yes = False,
    json: Json = False,
    wait: Wait = WAIT_SECONDS,
    profile: ProfileFolder = None,
) -> None:
    """Make a device what a backup says; it starts again with it. Exit status: 1 if it failed, or you say no."""
    from agent.client import upgrades

    opener = _opener(key, profile)
    try:
        with file.open("rb") as source:
            its, at = upgrades.of_device(source, opener)
            source.seek(0)
            if not yes and not confirmed(f"Put {its} as of {at} in the place of what is on {device}?"):
                raise typer.Exit(1)
            with connected(profile, wait=wait) as admin, bar(device) as drawn:
                data = upgrades.for_device(admin, device, source, opener, wait_seconds=wait)
                steps = upgrades.send_as_job(
                    admin,
                    device,
                    "restore",
                    data,
                    wait_seconds=wait,
                    told=lambda done, of: drawn(done, of, f"{device}: sending"),
                    force=force,
                    configuration=not without_configuration,
                )
                end = _last(steps, drawn, device, json=json)
    except BackupError as error:
        raise BackupError(f"{file}: {error}") from None
    except OSError as error:
        if error.strerror is None:
            raise
        raise BackupError(f"{file}: cannot be read: {error.strerror}") from error
    _check(end)
    if not json:
        say(f"{device}: {its} is back as of {at}")


def _last(steps: Iterable[Progress], drawn: object, device: str, *, json: bool) -> Progress:
    """Draws how far a job is; returns how it ended."""
    last: Progress | None = None
    for last in steps:
        if json:
            say_json(last.as_json(), indent=None)
        elif callable(drawn):
            drawn(last.done or 0, last.of or 0, f"{device}: {last.note or last.state}")
    if last is None:
        raise CommandError("unknown_job", f"{device}: nothing is known of it")
    return last


def _check(end: Progress) -> None:
    if end.state == "failed":
        raise CommandError(end.code or "failed", f"{end.device}: {end.message or end.code}")


def _recipient(to: str | None, profile: Path | None) -> Recipient:
    from agent.backup.keys import Recipient
    from agent.client.upgrades import KEY, backup_key

    if to is not None:
        try:
            return Recipient.parse(to)
        except ValueError as error:
            raise typer.BadParameter(f"--to: {error}") from None
    folder = profile_of(profile).folder
    key, fresh = backup_key(folder)
    if fresh:
        warn(f"a backup key was made, {folder / KEY}: keep a copy apart from here, without it no backup opens")
    return key.recipient


def _opener(key: Path | None, profile: Path | None) -> BackupKey:
    from agent.backup.keys import BackupKey
    from agent.client.upgrades import KEY

    return BackupKey.read(key or profile_of(profile).folder / KEY)


def _read(file: Path) -> bytes:
    from agent.upgrade.archive import LARGEST, unpack

    try:
        with file.open("rb") as source:
            data = source.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    unpack(data)  # here, before it is sent to anybody
    return data
