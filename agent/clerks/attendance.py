"""Answers what is asked about attendance."""

from __future__ import annotations

from typing import Any

from agent.attendance.rules import PunchType
from agent.clerks import Office
from agent.mqtt.once import Handler
from agent.mqtt.verbs.attendance import CorrectCommand, HoursCommand, WhoIsInCommand
from agent.register import enrolled
from agent.reports.basis import own_hours, present, present_json
from agent.rules_in_force import load_rules
from agent.store.holders import load_names
from agent.timeclock import Said, add, correct, correction_json


def handlers(office: Office) -> dict[str, Handler]:
    """Returns what carries out each verb."""

    def corrected(command: CorrectCommand) -> dict[str, Any]:
        kind = PunchType(command.type) if command.type else None
        said = Said(command.why, command.account or command.by, command.void, command.at, kind, command.job)
        request, own = office.request(command), f"cmd-{command.id}"  # the same id again corrects nothing twice
        punch, person = command.punch, command.person
        if punch is not None:
            return correction_json(office.write(lambda db: correct(db, request, punch, said, id=own)))
        return correction_json(office.write(lambda db: add(db, request, str(person), said, id=own)))

    def hours(command: HoursCommand) -> dict[str, Any]:
        enrolled(office.db, command.person)
        return own_hours(office.db, load_rules(office.db), command.person, office.now())

    def who_is_in(_: WhoIsInCommand) -> dict[str, Any]:
        found = present(office.db, load_rules(office.db), office.now(), office.config.device.name)
        return {"people": present_json(found, load_names(office.db))}

    return {"correct": corrected, "hours": hours, "who_is_in": who_is_in}
