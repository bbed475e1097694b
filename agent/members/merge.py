"""One person under two ids, and a person under a better one. Events and the audit go on naming the old id."""

from __future__ import annotations

from typing import Any

from agent.access.holder import State
from agent.audit import audit
from agent.errors import CommandError
from agent.members.known import check_free, check_names, enrolled
from agent.members.particulars import LONGEST_NOTES, MOST_GROUPS
from agent.mqtt.message import Code
from agent.register import Request
from agent.store import members, moves, people
from agent.store.db import Db
from agent.store.signatures import forget_signatures
from agent.store.templates import forget_templates


def rename(db: Db, person: str, to: str, request: Request) -> dict[str, Any]:
    """Gives a person another id.

    Returns:
        `person`, the new id, and `was`.

    Raises:
        CommandError: there is no such person, or the new id will not do or is or was another's.
    """
    check_names(to, None)
    with db.transaction():
        if not _done(db, person, to):
            enrolled(db, person)
            if members.current_id(db, to) != person:
                check_free(db, to)
            moves.rename(db, person, to)
            audit(db, "renamed", to, request, {"was": person})
    return {"person": to, "was": person}


def merge(db: Db, person: str, into: str, request: Request) -> dict[str, Any]:
    """Makes one of two: what `person` has goes to `into`, and `person` is no more.

    Groups, cards, templates, consents and attendance are put together. Where there can be only one, as of the badge
    number, the PIN and the dates, that of `into` stays. Somebody blocked stays blocked under either id, and if the
    last word on consent was a withdrawal, no template and no signature is left.

    Returns:
        `person`, the id that is left; `was`; and how many `templates` there are now.

    Raises:
        CommandError: one of them is not there, or both are the same.
    """
    if person == into:
        raise CommandError(Code.BAD_REQUEST, f"{person} cannot be merged into {into}: name two people")
    with db.transaction():
        stays = enrolled(db, into)
        if _done(db, person, into):
            return {"person": into, "was": person, "templates": stays.templates}
        goes = enrolled(db, person)
        members.update(db, person, {"badge": None})  # free for the other
        moves.merge(db, person, into)
        _join(db, stays, goes)
        said = enrolled(db, into).consent
        if said is not None and not said.given:
            forget_templates(db, into)
            forget_signatures(db, into)
        templates = enrolled(db, into).templates
        audit(db, "merged", into, request, {"was": person, "templates": templates})
    return {"person": into, "was": person, "templates": templates}


def _join(db: Db, stays: people.Person, goes: people.Person) -> None:
    """What one person has of two."""
    groups = {*stays.groups, *goes.groups}
    if len(groups) > MOST_GROUPS:
        raise CommandError(Code.BAD_REQUEST, f"{stays.id} would be in {len(groups)} groups: {MOST_GROUPS} are the most")
    values: dict[str, object] = {
        "badge": stays.badge if stays.badge is not None else goes.badge,
        "extended": stays.extended or goes.extended,
        "notes": "\n".join(notes for notes in (stays.notes, goes.notes) if notes)[:LONGEST_NOTES],
    }
    if goes.state is State.BLOCKED:
        values |= {"state": State.BLOCKED, "left_at": None}
    members.update(db, stays.id, values)


def _done(db: Db, person: str, to: str) -> bool:
    """True if this has been asked for before."""
    return people.get_person(db, person) is None and members.current_id(db, person) == to
