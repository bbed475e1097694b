"""The people who are enrolled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from agent.person_id import check_person_id
from agent.store.db import Db
from agent.store.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is enrolled."""

    id: str
    name: str
    templates: int  # of all models
    models: tuple[str, ...]  # that the templates were made by
    enrolled_at: datetime  # the first time


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


def list_people(db: Db) -> list[Person]:
    """Return everybody, by id."""
    return _people(db, "")


def get_person(db: Db, person: str) -> Person | None:
    """Return who has that id, or None."""
    return next(iter(_people(db, "WHERE people.id = ?", person)), None)


def gallery_version(db: Db) -> int:
    """Return a number that grows with every change to people or templates, whichever process makes it."""
    return int(db.rows("SELECT version FROM gallery")[0][0])


def _people(db: Db, where: str, *parameters: str) -> list[Person]:
    rows = db.rows(
        "SELECT people.id, name, enrolled_at, count(templates.id),"  # noqa: S608 - ours
        " json_group_array(DISTINCT model) FILTER (WHERE model IS NOT NULL)"
        f" FROM people LEFT JOIN templates ON person = people.id {where} GROUP BY people.id ORDER BY people.id",
        parameters,
    )
    return [
        Person(id_, name, count, tuple(sorted(json.loads(models))), from_text(at))
        for id_, name, at, count, models in rows
    ]
