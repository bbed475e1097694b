"""Answers what admins ask about faces: enrolment, removal, who is in a picture; and whether anybody is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from agent.audit import audit
from agent.clerks import Office
from agent.enrolment import Administration
from agent.handover import Handover
from agent.jobs.jobs import Jobs
from agent.live import Live
from agent.members.consent import text_of
from agent.mqtt.commands import Handler
from agent.mqtt.parts import Spool
from agent.mqtt.telemetry import timestamp
from agent.mqtt.verbs.faces import (
    EnrolCommand,
    EnrolLiveCommand,
    EnrolTemplatesCommand,
    IdentifyCommand,
    ListCommand,
    RemoveCommand,
    TemplatesCommand,
)
from agent.mqtt.wire import PingCommand
from agent.version import VERSION


def handlers(
    office: Office, admin: Administration, handover: Handover, spool: Spool, *, jobs: Jobs, live: Live
) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        admin: judges the pictures.
        handover: of templates, between devices.
        spool: keeps those that came as parts.
        jobs: do what takes long.
        live: enrols at the door.
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

    def check_live(command: EnrolLiveCommand) -> None:
        admin.enrolling.check(command.person, command.name, text_of(command.consent, office.config.privacy))

    def enrol_templates(command: EnrolTemplatesCommand) -> dict[str, Any]:
        consent = text_of(command.consent, office.config.privacy)
        done = handover.take(admin.enrolling, command, consent)
        office.changed()
        return done

    def templates(command: TemplatesCommand) -> dict[str, Any]:
        request = office.request(command)
        told = handover.give(command.person)
        details = {"templates": len(told["templates"])}
        office.write(lambda db: audit(db, "templates_exported", command.person, request, details))
        return told

    return {
        "enrol": enrol,
        "enrol_live": jobs.handler("enrol_live", live.work, check=check_live),
        "templates": templates,
        "enrol_templates": enrol_templates,
        "remove": remove,
        "list": everybody,
        "identify": identify,
        "ping": ping,
    }


def photos_of(command: EnrolCommand, spool: Spool) -> Sequence[bytes]:
    """Returns the photos of an enrolment: its own, or made of its parts.

    Raises:
        CommandError: a part is not here any more.
    """
    if command.parts is None:
        return command.photos
    pieces = spool.read(command.id, command.parts)
    return [b"".join(islice(pieces, count)) for count in command.split or (1,) * len(command.parts)]
