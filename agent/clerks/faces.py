"""Answers what admins ask about faces: enrolment, removal, who is in a picture; and whether anybody is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from agent.clerks import Office
from agent.enrolment import Administration
from agent.members.consent import text_of
from agent.mqtt.commands import Handler
from agent.mqtt.parts import Spool
from agent.mqtt.telemetry import timestamp
from agent.mqtt.verbs.faces import EnrolCommand, IdentifyCommand, ListCommand, RemoveCommand
from agent.mqtt.wire import PingCommand
from agent.version import VERSION


def handlers(office: Office, admin: Administration, spool: Spool) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        admin: judges the pictures.
        spool: keeps those that came as parts.
    """

    def enrol(command: EnrolCommand) -> dict[str, Any]:
        done = admin.enrol(
            command.person,
            command.name,
            photos_of(command, spool),
            replace=command.replace,
            consent=text_of(command.consent, office.config.privacy),
            by=command.asked_by,
            command_id=command.id,
        )
        office.changed()
        return done

    def remove(command: RemoveCommand) -> dict[str, Any]:
        done = admin.remove(command.person, by=command.asked_by, command_id=command.id)
        office.changed()
        return done

    def ping(_: PingCommand) -> dict[str, Any]:
        return {"at": timestamp(office.now()), "version": VERSION, "boot_id": office.boot_id}

    def everybody(command: ListCommand) -> dict[str, Any]:
        return admin.list(
            after=command.after,
            limit=command.limit,
            group=command.group,
            state=command.state,
            search=command.search,
        )

    def identify(command: IdentifyCommand) -> dict[str, Any]:
        return admin.identify(command.photo)

    return {"enrol": enrol, "remove": remove, "list": everybody, "identify": identify, "ping": ping}


def photos_of(command: EnrolCommand, spool: Spool) -> Sequence[bytes]:
    """Returns the photos of an enrolment: its own, or made of its parts.

    Raises:
        CommandError: a part is not here any more.
    """
    if command.parts is None:
        return command.photos
    pieces = spool.read(command.id, command.parts)
    return [b"".join(islice(pieces, count)) for count in command.split or (1,) * len(command.parts)]
