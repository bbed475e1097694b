"""Changes of who is enrolled, each in one transaction with its audit event. No model is needed for these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.person_id import check_person_id
from agent.store import people
from agent.store.db import Db
from agent.store.templates import Shot, enrol

By: TypeAlias = Literal["cli", "mqtt"]
Templates: TypeAlias = Sequence[Shot]

LONGEST_NAME = 128  # characters, as on the wire


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a change, and when: what an audit event says beside the change."""

    by: By
    at: datetime
    boot_id: str
    command_id: str | None = None  # None on the command line


def add_templates(
    db: Db, *, version: int, person: str, name: str | None, new: Templates, replace: bool, request: Request
) -> dict[str, Any] | None:
    """Adds a person, or templates to a person.

    Args:
        db: the database.
        version: of the people, when the templates were judged.
        person: id.
        name: for humans; None keeps the one there is, or takes the id.
        new: may be none at all.
        replace: forget the person's templates so far.
        request: who asked.

    Returns:
        `person`, `name`, how many were `added` and how many `templates` there are; None, and nothing done, where the
        people are others by now.
    """
    with db.transaction():
        if people.gallery_version(db) != version:
            return None
        again = replace and people.get_person(db, person) is not None
        people.add_person(db, person, name=name, at=request.at)
        if new:
            enrol(db, person, name, new, request.at, replace=replace)
        audit(db, "replaced" if again else "enrolled", person, request, {"templates": len(new)})
        after = enrolled(db, person)
    return {"person": person, "name": after.name, "added": len(new), "templates": after.templates}


def remove_person(db: Db, person: str, request: Request) -> dict[str, Any]:
    """Forgets a person; returns `person` and how many `templates` that were.

    Raises:
        CommandError: there is no such person.
    """
    with db.transaction():
        enrolled(db, person)
        templates = people.remove_person(db, person)
        audit(db, "removed", person, request, {"templates": templates})
    return {"person": person, "templates": templates}


def enrolled(db: Db, person: str) -> people.Person:
    """Returns somebody by id.

    Raises:
        CommandError: there is no such person.
    """
    found = people.get_person(db, person)
    if found is None:
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}")
    return found


def as_json(person: people.Person) -> dict[str, Any]:
    """Returns a person as JSON values."""
    return {
        "id": person.id,
        "name": person.name,
        "templates": person.templates,
        "models": [*person.models],
        "enrolled_at": timestamp(person.enrolled_at),
    }


def check_names(person: str, name: str | None) -> None:
    """Refuses what may be neither an id nor a name.

    Raises:
        CommandError: saying what is wanted.
    """
    try:
        check_person_id(person)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from error
    if name is not None and not (name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise CommandError(Code.BAD_REQUEST, f"a name has 1 to {LONGEST_NAME} printable characters, got {name[:80]!r}")
