"""Commands about new models, backup and restoring."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from agent.mqtt.message import Command, CommandId, PartedCommand, Parts

MOST_PARTS: Final = 1_000_000  # of a backup: 128 GB


def _recipient(text: str) -> str:
    from agent.backup.keys import Recipient

    Recipient.parse(text)
    return text


class ModelsCommand(Command):
    """Asks which models are in force, and which there is to go back to."""

    reads: ClassVar[bool] = True


class UpdateModelCommand(PartedCommand):
    """Brings a bundle of models into force: a job."""

    parts: Parts  # of the bundle
    force: bool = False  # also where people would have to be enrolled again


class RollbackModelCommand(Command):
    """Brings the models before into force again: a job."""


class BackupCommand(Command):
    """Makes a backup, to be fetched: a job."""

    to: Annotated[str, Field(max_length=80), AfterValidator(_recipient)]  # public backup key


class BackupPartCommand(Command):
    """Fetches a part of a backup."""

    reads: ClassVar[bool] = True

    id_of: CommandId  # of the command that made it
    part: Annotated[int, Field(ge=1, le=MOST_PARTS)]


class RestoreKeyCommand(Command):
    """Asks for the public key that a backup is to be encrypted to for this device to restore it."""

    reads: ClassVar[bool] = True


class RestoreCommand(PartedCommand):
    """Makes the device what a backup says: a job, which ends after the agent has started again."""

    parts: Parts  # of the backup, encrypted to what `restore_key` told
    configuration: bool = True  # with its configuration
    force: bool = False  # also the backup of another device


COMMANDS: Final[dict[str, type[Command]]] = {
    "models": ModelsCommand,
    "update_model": UpdateModelCommand,
    "rollback_model": RollbackModelCommand,
    "backup": BackupCommand,
    "backup_part": BackupPartCommand,
    "restore_key": RestoreKeyCommand,
    "restore": RestoreCommand,
}
