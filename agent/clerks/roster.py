"""Answers what admins ask about what the fleet wants this device to hold."""

from __future__ import annotations

from typing import Any

from agent.clerks import Office
from agent.mqtt.once import Handler
from agent.mqtt.verbs.roster import RosterCommand, RosterPersonCommand
from agent.roster.groups import groups_of
from agent.roster.members import told
from agent.roster.tally import Tally
from agent.store import roster
from agent.trust.keys import PublicKey


def handlers(office: Office) -> dict[str, Handler]:
    """Returns what carries out each verb."""

    def how_far(command: RosterCommand) -> dict[str, Any]:
        reading = roster.reading(office.db)
        return {
            "enabled": office.config.roster.enabled,
            "cursor": reading.cursor,
            "head": reading.head,
            "tally": Tally.read(reading.tally).text,
            "service": PublicKey(reading.service).id if reading.service else None,
            "trouble": reading.trouble,
            "groups": [*groups_of(office.db, office.config)],
            "objects": roster.counts(office.db),
            "problems": [
                {"object": held.object, "version": held.version, "code": held.code, "message": held.problem}
                for held in roster.problems(office.db, command.limit)
            ],
        }

    def person(command: RosterPersonCommand) -> dict[str, Any]:
        return {"person": command.person, "body": told(office.db, command.person, command.before)}

    return {"roster": how_far, "roster_person": person}
