"""`latchkey admin keys`: whose commands devices carry out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.admin.asked import ask
from agent.cli.admin.opened import WAIT, At, ProfileFolder, Wait, Yes, connected, passphrase, profile_of, target
from agent.cli.admin.told import cell, check_any, end, rows_of
from agent.cli.output import Json, confirmed, say, say_json, warn
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.client import Result
    from agent.trust.keys import SigningKey

keys = typer.Typer(help="Whose commands devices carry out: list, add, rotate, revoke keys.", no_args_is_help=True)


@keys.command("list")
def list_all(*, at: At = None, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """List the keys that devices know, revoked ones too."""
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, "keys", wait_seconds=wait)
    check_any(results, whom)
    if json:
        say_json({device: result.as_json() for device, result in results.items()})
    else:
        columns = ["id", "name", "role", "added_at", "added_by", "revoked_at"]
        rows_of(results, columns, lambda data: [[cell(k.get(c)) for c in columns] for k in data.get("keys", ())])
    end(results)


@keys.command()
def add(
    public: Annotated[str, typer.Argument(metavar="PUBLIC", help="As `latchkey admin key show` prints it there.")],
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="Whose it is: the audit says mqtt:NAME.")],
    role: Annotated[Role, typer.Option(help="What they are there for.")],
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Let the holder of a key in. For owners."""
    told = {"public": public, "name": name, "role": role.value}
    ask("key_add", lambda _: f"{name} is {role.value}", at=at, json=json, wait=wait, profile=profile, **told)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="16 digits, see `keys list`.")],
    *,
    yes: Yes = False,
    at: At = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Let a key count no more, from the next message on. For owners."""
    if not yes and not confirmed(f"Revoke key {key_id} at {cell(target(at))}? A revoked key never comes back"):
        raise typer.Exit(1)
    words = f"{key_id} is revoked"
    ask("key_revoke", lambda _: words, at=at, json=json, wait=wait, profile=profile, id_of=key_id)


@keys.command()
def rotate(
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Do without devices that have not taken it: they will not know you.")
    ] = False,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Put a new key in the place of your own, at all devices; name and role stay. For owners.

    The new key waits as `key.next` until every device has taken it; until then run this again when the others are
    there. Then it takes the place of the old one, which is overwritten.
    """
    from agent.client import key_file

    about = profile_of(profile)
    waiting = about.key_file.with_name("key.next")
    hidden = passphrase() if key_file.encrypted(about.key_file) else None
    old = key_file.read(about.key_file, lambda: hidden or "")
    if not waiting.exists():
        key_file.write(waiting, _new(), hidden)
    new = key_file.read(waiting, lambda: hidden or "")
    if new == old:  # it was stopped just before its end
        _tidy(waiting)
        return
    results = _rotated(old, new, profile, wait)
    check_any(results)
    if json:
        say_json({device: result.as_json() for device, result in results.items()})
    for device, result in results.items() if not json else ():
        say(f"{device}: {'knows the new key' if result.ok else f'{result.message} ({result.code})'}")
    taken = [result.ok for result in results.values()]
    if all(taken) or (finish and any(taken)):
        key_file.write(about.key_file, new, hidden, replace=True)
        _tidy(waiting)
        warn(f"your key is {new.public.id} now")
        return
    _tell_left(results, waiting)
    end(results)


def _tell_left(results: Mapping[str, Result], waiting: Path) -> None:
    """Says what becomes of the new key; drops it where every device has said that it does not take it."""
    if any(result.ok for result in results.values()):
        warn("the new key waits until all devices have taken it: run this again")
        return
    warn("no device has taken the new key: yours stays as it is")
    if all(result.said for result in results.values()):  # who has not answered may have taken it
        _tidy(waiting)


def _tidy(waiting: Path) -> None:
    from agent.client.key_file import public_file

    for path in (waiting, public_file(waiting)):
        path.unlink(missing_ok=True)


def _new() -> SigningKey:
    from agent.trust.keys import SigningKey

    return SigningKey.new()


def _rotated(old: SigningKey, new: SigningKey, profile: Any, wait: float) -> dict[str, Result]:
    """What each device says: also that it has taken the new key before."""
    from agent.client import Admin
    from agent.trust.keys import packed

    proof = packed(new.sign(b"latchkey rotate 1\n" + old.public.id.encode()))
    about = profile_of(profile)
    with Admin(about, old) as admin:
        results = admin.ask_all("@all", "key_rotate", wait_seconds=wait, public=new.public.text, proof=proof)
    unknown = [device for device, result in results.items() if result.code == "unknown_key"]
    if unknown:
        with Admin(about, new) as again:
            results |= {
                device: result
                for device, result in again.ask_all(unknown, "ping", wait_seconds=wait).items()
                if result.ok
            }
    return results
