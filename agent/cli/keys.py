"""`latchkey keys`: the site's secret key, which templates are sealed with and turned by."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.opened import database, request
from agent.cli.output import Json, confirmed, counted, progress, say, say_json
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.config import Config
    from agent.seal.keys import SiteKey
    from agent.seal.reissue import Reissued

keys = typer.Typer(help="The site's secret key: seals templates, shared by its devices.", no_args_is_help=True)
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
LONGEST = 1024  # bytes of a file with a key
LOST = "templates, cards, signatures, second factors of accounts, pictures of unknown people"


@keys.command()
def show(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Show the fingerprint of the key, where it is, and what it seals; never the key itself."""
    configured = load(config, sets)
    told = _told(configured)
    if json:
        say_json(told)
        return
    for name, value in told.items():
        say(f"{name}: {'none' if value is None else value}")


def _told(config: Config) -> dict[str, Any]:
    from agent.seal.keyring import find_key
    from agent.store.crops import count_crops
    from agent.store.sealing import count_sealed, sealed_by

    found = find_key(config)
    told = {"key": found and found.key.id, "from": found and found.where}
    if not config.database_path.exists():
        return {**told, "database": None, "templates": 0, "crops": 0}
    with database(config) as db:
        return {**told, "database": sealed_by(db), "templates": count_sealed(db), "crops": count_crops(db)}


@keys.command()
def create(
    *,
    replace_lost: Annotated[
        bool, typer.Option("--replace-lost", help=f"Give up a key that is lost, with all that it seals: {LOST}.")
    ] = False,
    yes: Yes = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Make the site's key, where there is none. The agent does so itself at its first start.

    With --replace-lost, what only the lost key opens is forgotten; the people stay, and are enrolled again.
    Exit status: 1 if you say no, 2 if there is a key.
    """
    configured = load(config, sets)
    from agent.seal import key_file
    from agent.seal.keyring import find_key, key_path
    from agent.seal.keys import SiteKey
    from agent.seal.reissue import replace_lost as replace

    if replace_lost:
        if not yes and not confirmed(f"Forget all that the lost key seals: {LOST}?"):
            raise typer.Exit(1)
        _say_lost(replace(configured, request()))
        return
    if (found := find_key(configured)) is not None:
        raise ConfigError(f"there is a site key already: {found.key.id}, from {found.where}")
    key = SiteKey.new()
    key_file.write(key_path(configured), key)
    say(f"key {key.id} in {key_path(configured)}: keep a copy (latchkey keys export) apart from the device")


@keys.command()
def export(*, yes: Yes = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Print the key, for a copy in a safe place or for another device of the site. Wants --yes.

    Who has it and the database has everybody's templates.
    """
    configured = load(config, sets)
    from agent.seal.keyring import find_key, key_path

    if (found := find_key(configured)) is None:
        raise ConfigError(f"{key_path(configured)}: there is no site key yet")
    if not yes:
        raise typer.BadParameter("prints the secret key of the site: say --yes, with nobody behind you and no log")
    typer.echo(found.key.text)


@keys.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="What `latchkey keys export` printed; -: stdin.")],
    *,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Take over the key of another device of the site, or one from a copy. Never over another key.

    Where this device has a key already: `latchkey keys reissue --key FILE`.
    """
    configured = load(config, sets)
    from agent.seal import key_file
    from agent.seal.keyring import given_key, key_path
    from agent.store.sealing import holds_sealed, sealed_by, wrong_key

    key, path = _read(file), key_path(configured)
    there = given_key() or key_file.read(path)
    if there is not None:
        raise ConfigError(
            "there is a site key already; to seal everything anew with this one: latchkey keys reissue --key"
        )
    if configured.database_path.exists():
        with database(configured) as db:
            sealed = sealed_by(db) if holds_sealed(db) else None
        if sealed not in {None, key.id}:
            raise ConfigError(wrong_key(str(configured.database_path), str(sealed), key.id))
    key_file.write(path, key)
    say(f"key {key.id} in {path}")


@keys.command()
def reissue(
    *,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="Not a new key, but that of another device of the site.")
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Seal and turn everything with a new key, without meeting anybody again; the old key is wiped.

    Do this after a database or a key got into other hands: what they have matches nobody any more. Stop the agent
    before. Exit status: 2 if an agent runs, or the key is not in a file.
    """
    configured = load(config, sets)
    from agent.seal.reissue import reissue as seal_anew

    _say(seal_anew(configured, request(), None if key is None else _read(key)), json=json)


def _say_lost(done: Reissued) -> None:
    lost = f"{counted(done.templates, 'template')}, {counted(done.cards, 'card')}"
    more = f"{counted(done.signatures, 'signature')}, {counted(done.pictures, 'picture')} of unknown people"
    say(f"key {done.new} in the place of {done.old}; {lost}, {more} forgotten: enrol the people again")
    if done.factors:
        say(f"{counted(done.factors, 'account')} without a second factor now: latchkey account second-factor NAME")


def _say(done: Reissued, *, json: bool) -> None:
    if json:
        say_json({"old": done.old, "new": done.new, "templates": done.templates})
    else:
        say(f"key {done.new} in the place of {done.old}: {counted(done.templates, 'template')} sealed and turned anew")


@keys.command()
def reembed(*, json: Json = False, config: ConfigFile = None, sets: Sets = None) -> None:
    """Make templates anew from the crops kept at enrolment, after a change of models.encoder.

    Only for people enrolled with security.keep_crops = true. A running agent knows at once.
    """
    configured = load(config, sets)
    from agent.bundle import open_bundle
    from agent.reembed import reembed as embed_again
    from agent.seal.keyring import site_key
    from agent.store.templates import foreign_templates

    bundle = open_bundle(configured, site_key(configured))
    with database(configured, key=bundle.key) as db:
        done = embed_again(
            db,
            bundle.eyes().encoder,
            bundle.template_model,
            request(),
            lambda crops: progress(crops, total=len(crops), doing="embedding"),
        )
        left = foreign_templates(db, bundle.template_model)
    told = {"model": bundle.model_id, "templates": done.templates, "damaged": done.damaged, "of_other_models": left}
    if json:
        say_json(told)
        return
    say(f"{counted(done.templates, 'template')} made anew by {bundle.model_id}")
    if left:
        say(f"{counted(left, 'template')} of other models left, without a crop: enrol those people again")


def _read(file: Path) -> SiteKey:
    from agent.seal.keys import SiteKey

    if str(file) == "-":
        return SiteKey.parse(sys.stdin.read(LONGEST), "stdin")
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return SiteKey.parse(opened.read(LONGEST), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the key: {error.strerror}") from error
