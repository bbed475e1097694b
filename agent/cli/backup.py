"""`latchkey backup`, `restore` and `backup-key`: the whole device in a file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from agent.cli.opened import database, request
from agent.cli.output import bar, confirmed, counted, say
from agent.cli.secret import secret
from agent.cli.settings import ConfigFile, Sets, load
from agent.errors import BackupError

if TYPE_CHECKING:
    from agent.backup.keys import Passphrase
    from agent.backup.stream import Opener, To

PASSPHRASE = "backup_passphrase"  # noqa: S105  the name of the secret
File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
ByPassphrase = Annotated[
    bool,
    typer.Option("--passphrase", help="Ask for a passphrase; or in LATCHKEY_BACKUP_PASSPHRASE, or as a credential."),
]


def backup_key(file: Annotated[Path, typer.Argument(metavar="FILE", help="To be made.")]) -> None:
    """Make a key that opens backups, and print its public half, which makes them.

    Keep FILE apart from the device, with a copy: without it no backup opens.
    """
    from agent.backup.keys import BackupKey

    key = BackupKey.new()
    key.write(file)
    say(key.recipient.text)


def backup(
    file: File,
    *,
    to: Annotated[str | None, typer.Option(metavar="PUBLIC", help="What `latchkey backup-key` printed.")] = None,
    passphrase: ByPassphrase = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Write everything that makes this device to FILE, encrypted; a running agent goes on meanwhile.

    Database, keys, configuration, models that were installed. Exit status: 1 if it cannot be written.
    """
    configured = load(config, sets)
    from agent.backup.making import back_up
    from agent.config.load import find_config

    recipient = _recipient(to, passphrase=passphrase)
    with database(configured) as db, bar("backing up") as progress:
        made = back_up(
            db,
            configured,
            configuration=find_config(config),
            file=file,
            to=recipient,
            at=datetime.now(UTC),
            progress=progress,
        )
    say(f"{file}: {file.stat().st_size / 1e6:.1f} MB, {counted(len(made.files), 'file')} of {made.site}/{made.device}")


def restore(
    file: File,
    *,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The secret backup key.")] = None,
    passphrase: ByPassphrase = False,
    without_configuration: Annotated[
        bool, typer.Option("--without-configuration", help="Leave the configuration as it is.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Make this device what FILE says, all of it or nothing. The agent has to be stopped.

    Who was forgotten since the backup stays forgotten, and a key that was revoked stays revoked, as far as this device
    still knows of it. Exit status: 1 if the backup does not open, or you say no; 2 while an agent runs.
    """
    configured = load(config, sets)
    from agent.backup.restoring import finish
    from agent.backup.staging import stage
    from agent.backup.stream import Opened
    from agent.config.load import find_config
    from agent.store.db import agent_lock

    target = find_config(config)
    opener = _opener(key, passphrase=passphrase)
    with _reading(file) as source:
        try:
            opened = Opened(source, opener)
            with agent_lock(configured.database_path), bar("opening") as progress:
                made = stage(
                    opened, configured, None if without_configuration else target, request(), progress=progress
                )
        except BackupError as error:
            raise BackupError(f"{file}: {error}") from None
    its, at = f"{made.site}/{made.device}", f"{made.made_at:%Y-%m-%d %H:%M} UTC"
    if not yes and not confirmed(f"Put {its} as of {at} in the place of what is in {configured.device.data_dir}?"):
        from agent.backup.staging import discard

        discard(configured)
        raise typer.Exit(1)
    done = finish(configured, target)
    again = 0 if done is None else done.forgotten
    say(f"{its} is back as of {at}; {'1 person' if again == 1 else f'{again} people'} forgotten again")


def _reading(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise BackupError(f"{file}: cannot be read: {error.strerror}") from error


def _recipient(to: str | None, *, passphrase: bool) -> To:
    from agent.backup.keys import Recipient

    if (to is None) != passphrase:
        raise typer.BadParameter("say who opens it: --to PUBLIC, or --passphrase")
    if to is None:
        return _asked(twice=True)
    try:
        return Recipient.parse(to)
    except ValueError as error:
        raise typer.BadParameter(f"--to: {error}") from None


def _opener(key: Path | None, *, passphrase: bool) -> Opener:
    from agent.backup.keys import BackupKey

    if (key is None) != passphrase:
        raise typer.BadParameter("say what opens it: --key FILE, or --passphrase")
    return _asked(twice=False) if key is None else BackupKey.read(key)


def _asked(*, twice: bool) -> Passphrase:
    from agent.backup.keys import Passphrase
    from agent.config.secrets import read_secret

    if (given := read_secret(PASSPHRASE)) is not None:
        return Passphrase(given.get_secret_value())
    return Passphrase(secret("passphrase", twice=twice))
