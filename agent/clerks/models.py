"""Answers what admins ask about new models, backup and restoring."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agent.audit import audit
from agent.backup import outgoing
from agent.backup.keys import BackupKey, Recipient, restore_key
from agent.backup.making import back_up
from agent.backup.staging import stage
from agent.backup.stream import Opened
from agent.clerks import Office
from agent.device_key import device_key
from agent.errors import BackupError, CommandError
from agent.jobs.aside import Progress, aside
from agent.jobs.job import Step, Steps, Work
from agent.jobs.jobs import Jobs
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.parts import Spool
from agent.mqtt.verbs import models as verbs
from agent.seal.keys import SiteKey
from agent.store.db import open_db
from agent.upgrade import updating
from agent.upgrade.updating import House

RESTART_SECONDS: Final = 60.0  # in which the agent starts again
_WAIT_SECONDS: Final = 0.2


def handlers(
    office: Office, jobs: Jobs, spool: Spool, *, key: SiteKey, configuration: Path | None = None
) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        jobs: does what takes long.
        spool: keeps the parts of bundles and backups.
        key: of the site.
        configuration: the file that the configuration was read from.
    """
    clerk = _Clerk(office, spool, key, configuration)
    return {
        "models": clerk.models,
        "update_model": jobs.handler("update_model", Work(clerk.update)),
        "rollback_model": jobs.handler("rollback_model", Work(clerk.roll_back)),
        "backup": jobs.handler("backup", Work(clerk.backup)),
        "backup_part": clerk.backup_part,
        "restore_key": clerk.restore_key,
        "restore": jobs.handler("restore", Work(clerk.restore)),
    }


class _Clerk:
    def __init__(self, office: Office, spool: Spool, key: SiteKey, configuration: Path | None) -> None:
        self._office, self._spool, self._key, self._configuration = office, spool, key, configuration
        self._config = office.config

    def models(self, command: verbs.ModelsCommand) -> updating.StateTold:
        del command
        return updating.told(self._office.db, self._config)

    def update(self, command: verbs.UpdateModelCommand, _: int) -> Steps:
        data = b"".join(self._spool.read(command.id, command.parts))
        with open_db(self._config.database_path, key=self._key) as db:  # the job's own: another thread's
            house = House(self._config, self._key, db, self._office.write)
            return (yield from updating.update(house, data, self._office.request(command), force=command.force))

    def roll_back(self, command: verbs.RollbackModelCommand, done: int) -> Steps:
        with open_db(self._config.database_path, key=self._key) as db:
            if done and updating.is_back(db):  # gone on with after it was done
                return {**updating.told(db, self._config)}
            house = House(self._config, self._key, db, self._office.write)
            return (yield from updating.roll_back(house, self._office.request(command)))

    def backup(self, command: verbs.BackupCommand, _: int) -> Steps:
        file, request = outgoing.file_of(self._config, command.id), self._office.request(command)
        recipient = Recipient.parse(command.to)

        def work(progress: Progress) -> None:
            with open_db(self._config.database_path) as db:
                back_up(
                    db,
                    self._config,
                    configuration=self._configuration,
                    file=file,
                    to=recipient,
                    at=request.at,
                    progress=progress,
                )

        if not file.exists():  # else it is gone on with after it was made
            outgoing.sweep(self._config, but=command.id)
            self._office.write(lambda db: audit(db, "backed_up", None, request, {"to": recipient.id}))
            yield from _told(aside(work))
        return outgoing.described(file)

    def backup_part(self, command: verbs.BackupPartCommand) -> dict[str, Any]:
        file = outgoing.waiting(self._config, command.id_of)
        of = outgoing.parts(file.stat().st_size)
        if command.part > of:
            raise CommandError(Code.BAD_REQUEST, f"part {command.part}: the backup has {of}")
        part = base64.b64encode(outgoing.read_part(file, command.part)).decode()
        return {"part": command.part, "of": of, "base64": part}

    def restore_key(self, command: verbs.RestoreKeyCommand) -> dict[str, Any]:
        del command
        return {"public": self._restore_key().recipient.text}

    def restore(self, command: verbs.RestoreCommand, _: int) -> Steps:
        request = self._office.request(command)

        def work(progress: Progress) -> None:
            opened = Opened(_Joined(self._spool.read(command.id, command.parts)), self._restore_key())
            stage(
                opened,
                self._config,
                self._configuration if command.configuration else None,
                request,
                only_this_device=not command.force,
                progress=progress,
            )

        yield from _told(aside(work))
        deadline = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < deadline:  # closed when the agent ends; the restored database says how this has ended
            yield Step(0, None, "restarting")
            time.sleep(_WAIT_SECONDS)
        raise CommandError(
            Code.FAILED, "the agent does not start again: restart its service, which restores the backup"
        )

    def _restore_key(self) -> BackupKey:
        device = self._config.device
        return restore_key(device_key(self._config).secret, device.site, device.name)


class _Joined:
    """Parts, as a file to read from."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._here = parts, b""

    def read(self, size: int) -> bytes:
        while not self._here:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._here = part
        taken, self._here = self._here[:size], self._here[size:]
        return taken


def _told(steps: Iterator[Step]) -> Iterator[Step]:
    try:
        yield from steps
    except BackupError as error:
        raise CommandError(Code.BAD_BACKUP, str(error)) from error
