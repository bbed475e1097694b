"""`latchkey admin devices`: which there are, and by which key each is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, At, Device, ProfileFolder, Wait, Yes, connected, profile_of, target
from agent.cli.admin.told import cell, check_any, end, rows_of
from agent.cli.output import Json, confirmed, say, say_json, say_table, warn
from agent.errors import CommandError

if TYPE_CHECKING:
    from agent.trust.keys import PublicKey

devices = typer.Typer(help="List devices; say by which key each is known.", no_args_is_help=True)


@devices.command("list")
def list_all(*, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the devices of the site that the broker has heard of, or whose key is known here."""
    with connected(profile, wait=wait) as admin:
        there = {status.device: status for status in admin.devices(wait)}
        keys = admin.known
    told: list[dict[str, Any]] = []
    for name in sorted({*there, *keys}):
        status = there.get(name)
        told.append(
            {
                "device": name,
                "state": status.state if status else "never heard",
                "version": status.version if status else "",
                "model": status.model if status else "",
                "groups": list(status.groups or ()) if status else [],
                "key": keys[name].id if name in keys else None,
                "standing": status.standing.value if status else None,
            }
        )
    if json:
        say_json(told)
    else:
        columns = ["device", "state", "version", "model", "groups", "key", "standing"]
        say_table(columns, [[cell(each[column]) for column in columns] for each in told])


@devices.command()
def show(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Ask devices what they are, and by which key they sign."""
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "device", wait_seconds=wait)
        known = dict(admin.known)
    check_any(results, whom)
    if json:
        say_json({device: result.as_json() for device, result in results.items()})
    else:
        columns = ["version", "model", "groups", "key", "public", "boot_id"]
        rows_of(results, columns, lambda data: [[cell(data.get(column)) for column in columns]])
        for device, result in results.items():
            if device not in known and result.ok:
                say(f"{device}: its key is not known here: latchkey admin devices trust {device}")
    end(results)


@devices.command()
def trust(
    device: Device,
    public: Annotated[
        str | None,
        typer.Argument(metavar="PUBLIC", help="As `latchkey trust device` prints it there. Default: asks the device."),
    ] = None,
    *,
    yes: Yes = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Say by which key a device is known: from then on only what it has signed is believed.

    Where the key is not given, the device is asked over the broker, which might lie: compare the id with what
    `latchkey trust device` says at the device.
    """
    from agent.client import known

    about = profile_of(profile)
    name = about.topics(device).device
    key = _parsed(public) if public else _asked(name, profile, wait)
    before = known.read(about.devices_file).get(f"{about.site}/{name}")
    if before is not None and before != key:
        warn(f"{name} was known by key {before.id} so far")
    question = f"Is {name} the device with key {key.id}, as it says itself?"
    if not yes and not public and not confirmed(question):
        raise typer.Exit(1)
    known.trust(about.devices_file, f"{about.site}/{name}", key)
    _answer({"device": name, "key": key.id, "public": key.text}, f"{name} is known by key {key.id}", json=json)


@devices.command()
def forget(device: Device, *, json: Json = False, profile: ProfileFolder = None) -> None:
    """Forget the key of a device: what it says is taken as it is, unverified."""
    from agent.client import known

    about = profile_of(profile)
    name = about.topics(device).device
    if not known.forget(about.devices_file, f"{about.site}/{name}"):
        raise CommandError("unknown_device", f"no key of {name} is known here: see latchkey admin devices list")
    _answer({"device": name, "key": None}, f"{name} is not known any more", json=json)


def _answer(told: dict[str, Any], words: str, *, json: bool) -> None:
    if json:
        say_json(told)
    else:
        say(words)


def _parsed(text: str) -> PublicKey:
    from agent.trust.keys import PublicKey

    try:
        return PublicKey.parse(text)
    except ValueError as error:
        raise CommandError("bad_request", f"no public key: {error}") from None


def _asked(name: str, profile: Any, wait: float) -> PublicKey:
    """What the device says of itself, whatever was known of it before."""
    with connected(profile, wait=wait) as admin:
        admin.known.pop(name, None)
        return _parsed(str(admin.ask(name, "device", wait_seconds=wait).value().get("public", "")))
