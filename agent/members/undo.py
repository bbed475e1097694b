"""A match that was wrong is taken back, and what followed from it: "this was not me"."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agent.audit import audit
from agent.errors import CommandError
from agent.members.known import enrolled
from agent.mqtt.message import Code
from agent.register import Request
from agent.store import members, undone
from agent.store.db import Db


def undo(db: Db, event: str, person: str, request: Request, *, by: str | None = None) -> dict[str, Any]:
    """Notes that it was not this person who was recognised; asked again it changes nothing.

    The event stays as it was recorded. A punch of it is voided by a correction, a template that was learnt from the
    visit is forgotten, and where the person had been moved to another zone, nobody knows any more where they are.

    Args:
        db: the database.
        event: id or seq of an access or attendance event.
        person: who says it was not them.
        request: who asked.
        by: who says so, for the correction; None: who asked.

    Returns:
        `person`, the `event`'s id, how many `punches` and `templates` are gone, and whether the person was moved back.

    Raises:
        CommandError: there is no such event or person, or the event is not about this person.
    """
    with db.transaction():
        enrolled(db, person)
        found = undone.find_event(db, event)
        if found is None or found.kind not in {"access", "attendance"}:
            raise CommandError(Code.UNKNOWN_EVENT, f"no decision or punch has the id or number {event[:40]!r}")
        about = found.body.get("person")
        if about not in members.ids_of(db, person):
            raise CommandError(Code.UNKNOWN_EVENT, f"event {found.seq} is about {about or 'nobody'}, not {person}")
        if undone.is_undone(db, found.id):
            return {"person": person, "event": found.id, "punches": 0, "templates": 0, "moved_back": False}
        what = asdict(undone.undo(db, found, person, request.at, by or request.by))
        audit(db, "match_undone", person, request, {"event": found.id, **what})
    return {"person": person, "event": found.id, **what}
