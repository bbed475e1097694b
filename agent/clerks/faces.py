"""Answers what admins ask about faces: enrolment, removal, who is in a picture; and whether anybody is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal

from agent.audit import audit
from agent.clerks import Office
from agent.enrolment import Administration
from agent.errors import CommandError
from agent.handover import Handover
from agent.jobs.jobs import Jobs
from agent.live import Live
from agent.members.consent import text_of
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
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
from agent.register import Enrolled
from agent.version import VERSION


def handlers(
    office: Office, admin: Administration, handover: Handover, spool: Spool, *, jobs: Jobs, live: Live
) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        admin: judges the pictures.
        handover: of templates, between devices.
        spool: keeps pictures that came as parts.
        jobs: do what takes long.
        live: enrols at the door.
    """
    clerk = _Clerk(office, admin, handover, spool)
    return {
        "enrol": clerk.enrol,
        "enrol_live": jobs.handler("enrol_live", live.work, check=clerk.check_live),
        "templates": clerk.templates,
        "enrol_templates": clerk.enrol_templates,
        "remove": clerk.remove,
        "list": clerk.everybody,
        "identify": clerk.identify,
        "ping": clerk.ping,
    }


class _Clerk:
    def __init__(self, office: Office, admin: Administration, handover: Handover, spool: Spool) -> None:
        self._office, self._admin, self._handover, self._spool = office, admin, handover, spool

    def enrol(self, command: EnrolCommand) -> Enrolled:
        done = self._admin.enrol(
            command.person,
            command.name,
            photos_of(command, self._spool),
            replace=command.replace,
            consent=self._consent(command.consent),
            by=command.asked_by,
            command_id=command.id,
        )
        self._office.changed()
        return done

    def check_live(self, command: EnrolLiveCommand) -> None:
        if command.ask_consent and not self._office.config.web.enabled:
            raise CommandError(
                Code.BAD_REQUEST, "nobody can be asked here: [web] enabled = false; ask them, and send `consent`"
            )
        self._admin.enrolling.check(command.person, command.name, self._consent(command.agrees_to))

    def templates(self, command: TemplatesCommand) -> dict[str, Any]:
        told, request = self._handover.give(command.person), self._office.request(command)
        details = {"templates": len(told["templates"])}
        self._office.write(lambda db: audit(db, "templates_exported", command.person, request, details))
        return told

    def enrol_templates(self, command: EnrolTemplatesCommand) -> Enrolled:
        done = self._handover.take(self._admin.enrolling, command, self._consent(command.consent))
        self._office.changed()
        return done

    def remove(self, command: RemoveCommand) -> dict[str, Any]:
        done = self._admin.remove(command.person, by=command.asked_by, command_id=command.id)
        self._office.changed()
        return done

    def ping(self, _: PingCommand) -> dict[str, Any]:
        return {"at": timestamp(self._office.now()), "version": VERSION, "boot_id": self._office.boot_id}

    def everybody(self, command: ListCommand) -> dict[str, Any]:
        return self._admin.list(
            after=command.after,
            limit=command.limit,
            group=command.group,
            state=command.state,
            search=command.search,
        )

    def identify(self, command: IdentifyCommand) -> dict[str, Any]:
        return self._admin.identify(command.photo)

    def _consent(self, given: str | Literal[True] | None) -> str | None:
        return text_of(given, self._office.config.privacy)


def photos_of(command: EnrolCommand, spool: Spool) -> Sequence[bytes]:
    """Returns the photos of an enrolment: its own, or made of its parts.

    Raises:
        CommandError: a part is not here any more.
    """
    if command.parts is None:
        return command.photos
    pieces = spool.read(command.id, command.parts)
    return [b"".join(islice(pieces, count)) for count in command.split or (1,) * len(command.parts)]
