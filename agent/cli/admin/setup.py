"""`latchkey admin init` and `admin key`: the profile, and the key that signs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.admin.opened import ProfileFolder, passphrase, profile_of
from agent.cli.output import Json, say, say_json
from agent.errors import CommandError, ConfigError

key = typer.Typer(help="Your own key: make, show, export it, or change its passphrase.", no_args_is_help=True)
Stdin = Annotated[bool, typer.Option("--stdin", help="Read the passphrase from stdin, a line, without asking.")]
Plain = Annotated[bool, typer.Option("--no-passphrase", help="None: whoever has the file can sign.")]
Pem = Annotated[Path | None, typer.Option(metavar="FILE", help="PEM.")]


def init(
    *,
    broker: Annotated[str, typer.Option(metavar="HOST[:PORT]", help="Port: 8883, without TLS 1883.")],
    site: Annotated[str, typer.Option(metavar="SITE", help="As in device.site of the devices.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Of your key, as devices will know it.")] = "admin",
    ca: Pem = None,
    cert: Pem = None,
    key_file: Pem = None,
    no_tls: Annotated[bool, typer.Option("--no-tls", help="No TLS: for a broker on this machine.")] = False,
    username: Annotated[str | None, typer.Option(help="For a broker that wants a password.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="It is in there; or in $LATCHKEY_ADMIN_PASSWORD.")
    ] = None,
    mqtt: Annotated[str, typer.Option("--mqtt", metavar="5|3.1.1", help="What the broker speaks.")] = "5",
    replace: Annotated[bool, typer.Option("--replace", help="Change a profile that is there; its keys stay.")] = False,
    json: Json = False,
    profile: ProfileFolder = None,
) -> None:
    """Make a profile: which broker, which site. --cert and --key-file are those of this client for TLS."""
    from agent.client import Profile
    from agent.client.profile import address

    if mqtt not in {"5", "3.1.1"}:
        raise ConfigError(f"--mqtt {mqtt}: want 5 or 3.1.1")
    host, port = address(broker, tls=not no_tls)
    files = {"ca": ca, "cert": cert, "key": key_file, "password_file": password_file}
    told = {
        "site": site,
        "name": name,
        "broker": {
            "host": host,
            "port": port,
            "tls": not no_tls,
            "protocol": 311 if mqtt == "3.1.1" else None,
            "username": username,
            **{what: file.absolute() if file else None for what, file in files.items()},
        },
    }
    made = Profile.make(profile or Profile.default(), told, replace=replace)
    if json:
        say_json({"profile": str(made.folder), "site": made.site, "host": host, "port": port})
        return
    say(f"{made.folder}: site {made.site} at {host}:{port}")
    if not made.key_file.exists():
        say("next: latchkey admin key create")


@key.command()
def create(
    *,
    stdin: Stdin = False,
    no_passphrase: Plain = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite the key there is. Devices know that one: see keys rotate.")
    ] = False,
    json: Json = False,
    profile: ProfileFolder = None,
) -> None:
    """Make your key. It is kept in the profile, under a passphrase that is asked for."""
    from agent.client import key_file
    from agent.trust.keys import SigningKey

    path = profile_of(profile).key_file
    if path.exists() and not replace:
        raise ConfigError(f"{path} is there already: devices know it; `admin keys rotate` changes it")
    hidden = None if no_passphrase else _new_passphrase(stdin=stdin)
    made = SigningKey.new()
    key_file.write(path, made, hidden, replace=replace)
    _tell(made.public.id, made.public.text, encrypted=bool(hidden), json=json)


@key.command()
def show(*, json: Json = False, profile: ProfileFolder = None) -> None:
    """Print the public half of your key: devices and other admins may see it."""
    from agent.client import key_file

    path = profile_of(profile).key_file
    public = key_file.public(path)
    _tell(public.id, public.text, encrypted=key_file.encrypted(path), json=json)


@key.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="PEM; must not be there.")],
    *,
    stdin: Stdin = False,
    no_passphrase: Plain = False,
    json: Json = False,
    profile: ProfileFolder = None,
) -> None:
    """Copy your key to a file, to keep it elsewhere, under a passphrase of its own."""
    from agent.client import files, key_file

    made = key_file.read(profile_of(profile).key_file, passphrase)
    hidden = None if no_passphrase else _new_passphrase(stdin=stdin)
    files.write(file, key_file.pem(made, hidden), replace=False)
    if json:
        _tell(made.public.id, made.public.text, encrypted=bool(hidden), json=True)
        return
    say(f"{file}: key {made.public.id}, {'under a passphrase' if hidden else 'WITHOUT a passphrase'}")


@key.command("passphrase")
def change_passphrase(
    *, stdin: Stdin = False, no_passphrase: Plain = False, json: Json = False, profile: ProfileFolder = None
) -> None:
    """Change the passphrase of your key, or take it away."""
    from agent.client import key_file

    path = profile_of(profile).key_file
    made = key_file.read(path, passphrase)
    hidden = None if no_passphrase else _new_passphrase(stdin=stdin)
    key_file.write(path, made, hidden, replace=True)
    if json:
        _tell(made.public.id, made.public.text, encrypted=bool(hidden), json=True)
        return
    say(f"{path}: {'under the new passphrase' if hidden else 'without a passphrase'}")


def _new_passphrase(*, stdin: bool) -> str:
    import os
    import sys

    from agent.cli.secret import secret
    from agent.client.key_file import VARIABLE

    if not stdin and not sys.stdin.isatty() and (told := os.environ.get(VARIABLE)):
        return told
    told = secret("new passphrase", stdin=stdin)
    if not told:
        raise CommandError("bad_request", "an empty passphrase is none: say --no-passphrase")
    return told


def _tell(key_id: str, public: str, *, encrypted: bool, json: bool) -> None:
    if json:
        say_json({"id": key_id, "public": public, "passphrase": encrypted})
        return
    say(f"id: {key_id}")
    say(f"public: {public}")
    say(f"passphrase: {'yes' if encrypted else 'none'}")
