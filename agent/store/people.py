"""The people who are known here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.access.holder import State
from agent.person_id import check_person_id
from agent.store.consents import Consent
from agent.store.db import Db
from agent.store.times import from_text, to_text

_SELECT = """
    SELECT id, name, enrolled_at,
        (SELECT count(*) FROM templates WHERE person = people.id),
        (SELECT json_group_array(DISTINCT model) FROM templates WHERE person = people.id),
        badge, state,
        (SELECT json_group_array("group") FROM memberships WHERE person = people.id),
        valid_from, valid_to, left_at, factors, extended, visitor, notes,
        EXISTS (SELECT 1 FROM pins WHERE person = people.id),
        EXISTS (SELECT 1 FROM pins WHERE person = people.id AND duress IS NOT NULL),
        (SELECT json_group_array(hint) FROM (SELECT hint FROM cards WHERE person = people.id ORDER BY added_at)),
        (SELECT json_array(given, at, text, by) FROM consents WHERE person = people.id ORDER BY id DESC LIMIT 1)
    FROM people
"""
_FOUND = """
    WHERE id > ?1
        AND (?2 IS NULL OR EXISTS (SELECT 1 FROM memberships WHERE person = people.id AND "group" = ?2))
        AND (?3 IS NULL OR state = ?3)
        AND (?4 IS NULL OR instr(casefold(id || char(10) || name || char(10) || coalesce(badge, '')), ?4))
    ORDER BY id LIMIT ?5
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known here, with everything that is kept but secrets and faces."""

    id: str
    name: str
    templates: int  # of all models
    models: tuple[str, ...]  # that the templates were made by
    enrolled_at: datetime  # the first time
    badge: str | None = None
    state: State = State.ACTIVE
    groups: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None  # from this instant on no longer
    left_at: datetime | None = None
    factors: str | None = None  # None: what the door asks for
    extended: bool = False  # needs more time at the door
    visitor: bool = False
    notes: str = ""
    pin: bool = False  # has one
    duress: bool = False
    cards: tuple[str, ...] = ()  # their hints
    consent: Consent | None = None  # what was said last


def add_person(db: Db, person: str, *, name: str | None, at: datetime) -> None:
    """Add a person without templates; one who is there already gets the new name, if it is not None."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO people (id, name, enrolled_at) VALUES (:id, coalesce(:name, :id), :at)"
            " ON CONFLICT (id) DO UPDATE SET name = :name WHERE :name IS NOT NULL",
            {"id": check_person_id(person), "name": name, "at": to_text(at)},
        )


def remove_person(db: Db, person: str) -> int:
    """Forget a person, so that no byte of a vector is left in the files; return how many templates that were.

    0 where nobody has that id.
    """
    with db.transaction() as sql:
        templates = sql.execute("DELETE FROM templates WHERE person = ?", (person,)).rowcount
        sql.execute("DELETE FROM people WHERE id = ?", (person,))
        db.wipe_log()
    return templates


def list_people(
    db: Db,
    *,
    after: str = "",
    limit: int = -1,
    group: str | None = None,
    state: State | None = None,
    search: str | None = None,
) -> list[Person]:
    """Return people, by id.

    Args:
        db: the database.
        after: those whose ids come after this one.
        limit: so many at most; -1 is everybody.
        group: those who are in it.
        state: those who stand so.
        search: those with this text in id, name or badge number, in capitals or not.
    """
    return _people(db, _FOUND, after, group, state, search.casefold() if search else None, limit)


def get_person(db: Db, person: str) -> Person | None:
    """Return who has that id, or None."""
    return next(iter(_people(db, "WHERE id = ?", person)), None)


def get_people(db: Db, ids: Sequence[str]) -> list[Person]:
    """Return who has these ids, in their order; those that nobody has are passed over."""
    found = {
        person.id: person for person in _people(db, "WHERE id IN (SELECT value FROM json_each(?))", json.dumps(ids))
    }
    return [found[each] for each in ids if each in found]


def gallery_version(db: Db) -> int:
    """Return a number that grows with every change to people or templates, whichever process makes it."""
    return int(db.rows("SELECT version FROM gallery")[0][0])


def _people(db: Db, clauses: str, *parameters: object) -> list[Person]:
    return [_person(row) for row in db.rows(f"{_SELECT} {clauses}", parameters)]


def _person(row: tuple[Any, ...]) -> Person:
    id_, name, at, count, models, badge, state, groups, *times, factors, extended, visitor, notes = row[:-4]
    valid_from, valid_to, left_at = (from_text(time) if time else None for time in times)
    pin, duress, cards, consent = row[-4:]
    return Person(
        id_,
        name,
        count,
        tuple(sorted(json.loads(models))),
        from_text(at),
        badge,
        State(state),
        tuple(sorted(json.loads(groups))),
        valid_from,
        valid_to,
        left_at,
        factors,
        bool(extended),
        bool(visitor),
        notes,
        bool(pin),
        bool(duress),
        tuple(json.loads(cards)),
        Consent.from_row(json.loads(consent)) if consent else None,
    )
