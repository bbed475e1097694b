"""Changes of what is kept of a person: any subset of it, all or nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypedDict

from agent.access.factors import Factors
from agent.access.holder import State
from agent.audit import audit
from agent.errors import CommandError
from agent.members.known import Particulars, check_free, check_names, enrolled, particulars
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request
from agent.store import members, people
from agent.store.db import Db
from agent.store.people import Person
from agent.store.times import to_text

LONGEST_BADGE: Final = 32  # characters
LONGEST_GROUP: Final = 64
LONGEST_NOTES: Final = 2000
MOST_GROUPS: Final = 64  # of one person
_PRIVATE: Final = {"name", "badge", "notes"}  # the audit says that they changed, not to what


class Changes(TypedDict, total=False):
    """What is to be changed; what is left out stays. None takes a value away."""

    name: str
    badge: str | None
    groups: Collection[str]  # these and no others
    add_groups: Collection[str]
    remove_groups: Collection[str]
    valid_from: datetime | None
    valid_to: datetime | None  # from this instant on no longer
    state: State
    factors: str | None  # "card+pin"; None: what the door asks for
    extended: bool
    visitor: bool
    notes: str


def set_person(db: Db, person: str, changes: Changes, request: Request, *, create: bool = False) -> Particulars:
    """Changes a person, or adds one.

    Args:
        db: the database.
        person: their id.
        changes: may be none at all, to add somebody.
        request: who asked.
        create: add who is not there.

    Returns:
        What is kept of the person now, see `agent.members.known.particulars`.

    Raises:
        CommandError: there is no such person, a value will not do, or the badge number is another's.
    """
    check_names(person, changes.get("name"))
    with db.transaction():
        if create and people.get_person(db, person) is None:
            check_free(db, person)
            people.add_person(db, person, name=changes.get("name"), at=request.at)
            audit(db, "person_added", person, request)
        before = enrolled(db, person)
        after = _changed(before, changes, request.at)
        _check(db, after)
        if after != before:
            _store(db, before, after)
            audit(db, "person_changed", person, request, _told(before, after))
        return particulars(db, person)


def foresee(db: Db, person: str, changes: Changes, at: datetime) -> str:
    """Returns what `set_person` would do with somebody who may be new: "added", "changed" or "unchanged".

    Raises:
        CommandError: it would refuse.
    """
    check_names(person, changes.get("name"))
    before = people.get_person(db, person)
    if before is None:
        check_free(db, person)
    known = before or Person(person, person, 0, (), at)
    after = _changed(known, changes, at)
    _check(db, after)
    return "added" if before is None else "unchanged" if after == before else "changed"


def _changed(before: Person, changes: Changes, at: datetime) -> Person:
    """The person as they will be."""
    groups = set(changes.get("groups", before.groups))
    groups |= set(changes.get("add_groups", ()))
    groups -= set(changes.get("remove_groups", ()))
    plain = {key: value for key, value in changes.items() if not key.endswith("groups")}
    after = replace(before, groups=tuple(sorted(groups)), **plain)  # type: ignore[arg-type]  # mypy loses the keys
    left_at = (before.left_at or at) if after.state is State.LEFT else None
    return replace(after, factors=_factors(after.factors), left_at=left_at)


def _factors(text: str | None) -> str | None:
    try:
        return None if text is None else str(Factors.parse(text))
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from error


def _check(db: Db, person: Person) -> None:
    """Refuses what cannot be kept."""
    badge = person.badge
    if badge is not None and not (badge.isprintable() and badge == badge.strip() and 0 < len(badge) <= LONGEST_BADGE):
        _refuse(f"a badge number has 1 to {LONGEST_BADGE} printable characters")
    for group in person.groups:
        good = group.isprintable() and group == group.strip() and 0 < len(group) <= LONGEST_GROUP
        if not good or "," in group or ";" in group or group.startswith(("+", "-")):
            _refuse(
                f"a group is named in 1 to {LONGEST_GROUP} printable characters without ',' and ';', "
                f"and does not begin with '+' or '-', got {group[:80]!r}"
            )
    if len(person.groups) > MOST_GROUPS:
        _refuse(f"{person.id} would be in {len(person.groups)} groups: {MOST_GROUPS} are the most")
    if person.valid_from and person.valid_to and person.valid_to <= person.valid_from:
        _refuse(f"{person.id} would be valid to {person.valid_to} and from {person.valid_from}: the end comes after")
    if person.visitor and person.valid_to is None:
        _refuse(f"{person.id} is a visitor: say until when (valid_to)")
    if len(person.notes) > LONGEST_NOTES:
        _refuse(f"notes have {LONGEST_NOTES} characters at most, these have {len(person.notes)}")
    holder = members.holder_of_badge(db, badge) if badge is not None else None
    if holder is not None and holder != person.id:
        raise CommandError(Code.BADGE_TAKEN, f"the badge number of {person.id} is that of {holder}: give another one")


def _refuse(problem: str) -> None:
    raise CommandError(Code.BAD_REQUEST, problem)


def _differing(before: Person, after: Person) -> dict[str, Any]:
    names = sorted(members.COLUMNS | {"groups"})
    return {name: getattr(after, name) for name in names if getattr(before, name) != getattr(after, name)}


def _store(db: Db, before: Person, after: Person) -> None:
    values = _differing(before, after)
    if (groups := values.pop("groups", None)) is not None:
        members.set_groups(db, after.id, groups)
    stored = {name: to_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    members.update(db, after.id, stored)


def _told(before: Person, after: Person) -> dict[str, object]:
    """What the audit says: which, and what the rules see of it."""
    values = _differing(before, after)
    told: dict[str, object] = {"changed": sorted(values)}
    for name, value in values.items():
        if name not in _PRIVATE:
            told[name] = timestamp(value) if isinstance(value, datetime) else value
    if "groups" in values:
        told["groups"] = [*after.groups]
    return told
