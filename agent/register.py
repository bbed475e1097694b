"""Changes of who is enrolled, each in one transaction with its audit event. No model is needed for these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from typing_extensions import TypedDict

from agent.attendance.punch import Clock
from agent.audit import audit
from agent.clock import clock_state
from agent.config.people import Privacy
from agent.members import consent as consents
from agent.members.known import as_json, check_free, check_names, enrolled
from agent.privacy.forgetting import remove
from agent.store import people
from agent.store.db import Db
from agent.store.templates import Shot, enrol

By: TypeAlias = str
"""Who asks, up to 80 characters: "cli:root", "mqtt", "schedule", "retention", "kiosk", a person's id at the door."""
Templates: TypeAlias = Sequence[Shot]

__all__ = [
    "By",
    "Enrolment",
    "Request",
    "Templates",
    "add_templates",
    "as_json",
    "check_names",
    "enrolled",
    "remove_person",
]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a change, and when: what an audit event says beside the change."""

    by: By
    at: datetime
    boot_id: str
    command_id: str | None = None  # None on the command line
    clock: Clock = field(default_factory=clock_state)  # whether `at` can be believed


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment:
    """What is to be kept of a person's face."""

    person: str  # id
    name: str | None  # for humans; None keeps the one there is, or takes the id
    new: Templates  # may be none at all
    replace: bool  # forget the person's templates so far
    consent: str | None  # the text that is agreed to with this
    consent_by: str | None = None  # who took that down; None: who asked


class Enrolled(TypedDict):
    """What became of an enrolment."""

    person: str
    name: str
    added: int  # templates
    templates: int  # that there are now


def add_templates(db: Db, enrolment: Enrolment, *, version: int, privacy: Privacy, request: Request) -> Enrolled | None:
    """Adds a person, or templates to a person.

    Args:
        db: the database.
        enrolment: who, and what of them.
        version: of the people, when the templates were judged.
        privacy: whether they have to have agreed.
        request: who asked.

    Returns:
        `person`, `name`, how many were `added` and how many `templates` there are; None, and nothing done, where the
        people are others by now.

    Raises:
        CommandError: the id was another's before, or there is no consent.
    """
    person, new = enrolment.person, enrolment.new
    with db.transaction():
        if people.gallery_version(db) != version:
            return None
        there = people.get_person(db, person) is not None
        if not there:
            check_free(db, person)
        people.add_person(db, person, name=enrolment.name, at=request.at)
        if enrolment.consent is not None:
            consents.give(db, person, enrolment.consent, request, by=enrolment.consent_by)
        if new:
            consents.check(db, person, enrolment.consent, privacy)
            enrol(db, person, enrolment.name, new, request.at, replace=enrolment.replace)
        action = "replaced" if enrolment.replace and there else "enrolled"
        audit(db, action, person, request, {"templates": len(new)})
        after = enrolled(db, person)
    return {"person": person, "name": after.name, "added": len(new), "templates": after.templates}


def remove_person(db: Db, person: str, request: Request) -> dict[str, Any]:
    """Makes a person unknown to the door, see `agent.privacy.forgetting.remove`.

    Returns:
        `person`, how many `templates` that were, and the id of the `receipt`.

    Raises:
        CommandError: there is no such person.
    """
    done = remove(db, person, request)
    return {"person": person, "templates": done.templates, "receipt": done.receipt}
