"""`latchkey admin roster`: what a site's devices are to hold. Each change is signed, and loses nobody else's."""

from __future__ import annotations

import json as jsons
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.opened import WAIT, ProfileFolder, Wait, Yes, passphrase, profile_of
from agent.cli.output import Json, confirmed, counted, say, say_json, say_table
from agent.errors import CommandError, ConfigError

if TYPE_CHECKING:
    from agent.roster.client import RosterClient
    from agent.roster.document import Document
    from agent.trust.keys import PublicKey

roster = typer.Typer(help="Say what all devices of the site are to hold: deploy/ROSTER.md.", no_args_is_help=True)

Object = Annotated[
    str, typer.Argument(metavar="OBJECT", help="person/ID, rules, admin/KEY, device/SITE/NAME, service.")
]
For = Annotated[
    str | None,
    typer.Option("--for", metavar="DEVICE|@GROUP", help="Which devices it is for. Default: as before, else @all."),
]
OWNER_FILE = "owner.pub"


@contextmanager
def opened(folder: Path | None, *, signs: bool = True, wait: float = WAIT) -> Iterator[RosterClient]:
    """Yields a client of the roster's service.

    Raises:
        ConfigError: the profile will not do.
        NoAnswer: the broker is not there.
    """
    from agent.client import key_file
    from agent.roster.client import RosterClient

    profile = profile_of(folder)
    owner = owner_of(profile.folder)
    key = key_file.read(profile.key_file, passphrase) if signs else None
    if key is None and owner is None and profile.key_file.exists():
        owner = key_file.public(profile.key_file)
    with RosterClient(profile.settings, profile.site, key, owner=owner, seconds=wait) as client:
        yield client


def owner_of(folder: Path) -> PublicKey | None:
    """Returns the owner's key that other admins' keys are known by: owner.pub of the profile; None: one's own.

    Raises:
        ConfigError: there is something else in it.
    """
    from agent.trust.keys import PublicKey

    path = folder / OWNER_FILE
    try:
        return PublicKey.parse(path.read_text(encoding="ascii").strip()) if path.exists() else None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: no public key: {error}") from None


@roster.command("list")
def list_all(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="Only objects whose names begin so.")] = "",
    *,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """List the objects that there are, by name."""
    with opened(profile, signs=False, wait=wait) as client:
        rows = [(seq, document) for seq, document in client.browse(prefix) if not document.gone]
    if json:
        say_json([{"seq": seq, **document.raw} for seq, document in rows])
        return
    say_table(["object", "version", "for", "issued", "key"], [_line(document) for _, document in rows])


@roster.command()
def get(object_: Object, *, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Print what the roster says of an object; with --json the whole document, as `put --base` takes it.

    Exit status: 1 if there is none, or it is not signed by who may.
    """
    with opened(profile, signs=False, wait=wait) as client:
        document = _there(client, object_)
        client.check(document)
    if json:
        say_json(document.as_json())
        return
    text = (document.body or {}).get("text") if object_ == "rules" else None
    print(text, end="") if isinstance(text, str) else say_json(document.body)


@roster.command()
def put(
    object_: Object,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The body as JSON, the rules as TOML; - is stdin.")],
    *,
    base: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What it was made from (`get --json`): changes of others since are kept."),
    ] = None,
    above: Annotated[
        int, typer.Option(metavar="VERSION", min=0, help="Devices have taken it, and the service has lost it.")
    ] = 0,
    at: For = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Make an object what a file says. With --base, what others have changed meanwhile is kept, field by field.

    Exit status: 1 if they have changed the same; it says which fields.
    """
    body = _body(object_, file)
    with opened(profile, wait=wait) as client:
        target = None if at is None else f"{client.site}/{at}"
        if base is None:
            kept = client.put(object_, body, target=target, above=above)
        else:
            kept = client.replace(object_, _document(base), body, target=target)
    _say_kept(kept, json=json)


@roster.command()
def remove(
    object_: Object, *, yes: Yes = False, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None
) -> None:
    """Take an object out of the roster: a person is forgotten at every device, with a receipt; a key is revoked.

    Exit status: 1 if there is none, or you say no.
    """
    with opened(profile, wait=wait) as client:
        present = _there(client, object_)
        if not yes and not confirmed(f"Take {object_} out of the roster, at all devices that it is for?"):
            raise typer.Exit(1)
        kept = client.replace(object_, present, None)
    _say_kept(kept, json=json)


@roster.command()
def history(object_: Object, *, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Show who has changed an object and when, the last first; what it said before is not kept."""
    with opened(profile, signs=False, wait=wait) as client:
        rows = client.history(object_)
    if json:
        say_json([*rows])
        return
    columns = ("version", "issued", "key", "gone")
    say_table(columns, [["removed" if row[name] is True else str(row[name] or "") for name in columns] for row in rows])


@roster.command()
def adopt(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The id of a key that was revoked.")],
    *,
    yes: Yes = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Sign anew what a revoked key has signed: devices that come later would not take it. Look at it before.

    Exit status: 1 if you say no.
    """
    with opened(profile, wait=wait) as client:
        found = [one for _, one in client.browse(bodies=True) if one.header.key == key]
        names = ", ".join(one.header.object for one in found[:20])
        if found and not yes and not confirmed(f"Vouch for {counted(len(found), 'document')} ({names}, ...)?"):
            raise typer.Exit(1)
        for one in found:
            client.adopt(one)
    say(f"{counted(len(found), 'document')} signed anew")


def _there(client: RosterClient, object_: str) -> Document:
    document = client.get(object_)
    if document is None or document.gone:
        raise CommandError("unknown_object", f"the roster has no {object_}: see `latchkey admin roster list`")
    return document


def _body(object_: str, file: Path) -> Mapping[str, Any]:
    text = _read(file)
    if object_ == "rules" and not text.lstrip().startswith("{"):
        return {"text": text}
    return _object(text, file)


def _document(file: Path) -> Document:
    from agent.roster.document import Document

    return Document.parse(_object(_read(file), file))


def _object(text: str, file: Path) -> dict[str, Any]:
    try:
        value = jsons.loads(text)
    except ValueError as error:
        raise CommandError("bad_request", f"{file}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise CommandError("bad_request", f"{file}: an object is wanted")
    return value


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError("bad_request", f"{file}: cannot be read: {error}") from None


def _line(document: Document) -> list[str]:
    header = document.header
    at = header.issued.isoformat(timespec="seconds")
    return [header.object, str(header.version), header.target.partition("/")[2], at, header.key]


def _say_kept(kept: Document, *, json: bool) -> None:
    if json:
        say_json(dict(kept.raw))
    else:
        what = "removed" if kept.gone else "kept"
        say(f"{kept.header.object}: {what} as version {kept.header.version}, for {kept.header.target}")
