"""`latchkey trust`: whose commands this device carries out. Who may change its database is owner already."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, say, say_json, say_table
from agent.cli.settings import ConfigFile, Sets, load
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.trust.keys import Admin, PublicKey

trust = typer.Typer(help="Whose commands over MQTT this device carries out, and its own key.", no_args_is_help=True)


@trust.command("list")
def list_all(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """List the keys of admins, also revoked ones."""
    configured = load(config, sets)
    from agent import admins

    with database(configured) as db:
        keys = admins.everyone(db, configured)
    if json:
        say_json(keys)
        return
    columns = ("id", "name", "role", "added_at", "added_by", "revoked_at")
    say_table(
        [column.removesuffix("_at") for column in columns], [[one[name] or "" for name in columns] for one in keys]
    )
    if not any(one["role"] == Role.OWNER and not one["revoked_at"] for one in keys):
        say("nobody owns this device yet: latchkey trust pair, or latchkey trust add PUBLIC --name NAME --role owner")


@trust.command()
def add(
    public: Annotated[str, typer.Argument(metavar="PUBLIC", help="What `latchkey admin key show` printed.")],
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="Whose key it is, as the audit will say.")],
    role: Annotated[Role, typer.Option(help="What it may ask.")],
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Let the holder of a key in. A running agent knows at once.

    Exit status: 1 if the key or the name is or was another's.
    """
    configured = load(config, sets)
    from agent import admins

    admin = _admin(public, name, role)
    with database(configured, create=True) as db:
        done = admins.add(db, configured, admin, request())
    _say(done, f"key {done['id']}: {name} is {role}", json=json)


@trust.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Of the key, see list.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Let a key count no more, from the next command on.

    Exit status: 1 if there is no such key, or it is the last owner's.
    """
    configured = load(config, sets)
    from agent import admins

    with database(configured) as db:
        done = admins.revoke(db, configured, key_id, request())
    _say(done, f"key {done['id']} of {done['name']} is revoked", json=json)


@trust.command()
def pair(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show a code by which the first owner pairs with this device, over MQTT: `latchkey admin pair`.

    It holds for 15 minutes and 5 tries, and for one owner; a new one ends it. Show it to nobody else.
    Exit status: 1 if the device has an owner.
    """
    configured = load(config, sets)
    from agent.pairing import begin
    from agent.trust.pairing import LIFETIME, TRIES, offer, spoken

    with database(configured, create=True) as db:
        code = begin(db, configured, request())
    about = configured.device
    text = offer(about.site, about.name, code)
    if json:
        say_json({"code": code, "qr": text, "seconds": int(LIFETIME.total_seconds()), "tries": TRIES})
        return
    _say_qr(text)
    say(f"site {about.site}, device {about.name}, code {spoken(code)}: 15 minutes, {TRIES} tries")


@trust.command()
def device(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show by which key this device signs what it says; made where there is none yet. Never the secret half."""
    configured = load(config, sets)
    from agent.device_key import device_key

    public = device_key(configured).public
    about = configured.device
    told = {"site": about.site, "device": about.name, "public": public.text, "key": public.id}
    if json:
        say_json(told)
        return
    for label, value in told.items():
        say(f"{label}: {value}")


def _admin(public: str, name: str, role: Role) -> Admin:
    import re

    from agent.trust.keys import KEY_NAME_PATTERN, Admin

    if not re.fullmatch(KEY_NAME_PATTERN, name):
        raise typer.BadParameter(f"--name {name}: want 1 to 32 of a-z 0-9 . _ -, the first a letter or digit")
    return Admin(_public(public), name, role)


def _public(text: str) -> PublicKey:
    from agent.trust.keys import PublicKey

    try:
        return PublicKey.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"no public key ({error}): `latchkey admin key show` prints one") from None


def _say_qr(text: str) -> None:
    """Prints a QR code (ISO/IEC 18004) where there is a terminal to show it."""
    import segno

    if sys.stdout.isatty():
        segno.make(text, error="m", micro=False).terminal(compact=True)


def _say(done: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        say_json(done)
    else:
        say(text)
