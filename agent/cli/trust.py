"""`latchkey trust`: whose commands this device carries out. Who may change its database is owner already."""

from __future__ import annotations

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


def _say(done: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        say_json(done)
    else:
        say(text)
