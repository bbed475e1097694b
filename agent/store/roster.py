"""What this device holds of the roster, how far it has read, and templates that come sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.store.db import Db
from agent.store.sealing import check_bound
from agent.store.times import to_text


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one object."""

    object: str
    version: int  # the highest that an admin has signed; 0: none was seen
    taken: bytes | None  # leaf of that version
    leaf: bytes  # of what the service gave last
    ours: bool  # False: it is for other devices
    code: str | None = None  # None: in force
    problem: str | None = None
    document: str | None = None  # JSON: of devices and the service, what is in force
    waiting: str | None = None  # JSON: what has a problem, to be tried again


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the device has read."""

    cursor: int  # everything up to this number was looked at
    head: int  # the highest that was heard of
    tally: bytes
    service: bytes | None  # the service's public key
    trouble: str | None  # what is wrong with the service
    targets: str | None  # whom documents were for that this device took; None: not noted yet


@dataclass(frozen=True, slots=True)
class Sealed:
    """A template as it is kept, and travels between devices of a site: whoever has not the site's key sees no face."""

    model: str  # id of the encoder
    key: str  # fingerprint of the site's key
    vector: bytes
    measures: tuple[float, float, float, float, float]  # face_px, sharpness, yaw, exposure, contrast
    added_at: str


_COLUMNS = "object, version, taken, leaf, ours, code, problem, document, waiting"


def held(db: Db, object_: str) -> Held | None:
    """Return what is held of an object."""
    return next(iter(_held(db, "WHERE object = ?", object_)), None)


def problems(db: Db, limit: int, *, after: str = "") -> list[Held]:
    """Return the first `limit` that could not be put in force, by name, of those after one."""
    clauses = "INDEXED BY roster_problems WHERE code IS NOT NULL AND object > ? ORDER BY object LIMIT ?"
    return _held(db, clauses, after, limit)


def problems_of(db: Db, code: str, limit: int) -> list[Held]:
    """Return the first `limit` that are not in force for this reason."""
    return _held(
        db, "INDEXED BY roster_problems WHERE code IS NOT NULL AND code = ? ORDER BY object LIMIT ?", code, limit
    )


def hold(db: Db, it: Held) -> None:
    """Keep this in place of what was held of the object."""
    with db.transaction() as sql:
        sql.execute(
            f"INSERT OR REPLACE INTO roster_objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
            (it.object, it.version, it.taken, it.leaf, it.ours, it.code, it.problem, it.document, it.waiting),
        )


def compare_by(db: Db, encoder: str) -> None:
    """Have the roster read again for another encoder; people who came with faces it does not know are a problem."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE roster_objects SET code = 'other_model', problem = 'the models are others now' WHERE ours"
            " AND code IS NULL AND object IN (SELECT 'person/' || person FROM templates WHERE event IS NULL"
            " GROUP BY person HAVING max(model = ?) = 0)",
            (encoder,),
        )
        sql.execute("UPDATE roster_state SET cursor = 0")


def leaves(db: Db) -> list[bytes]:
    """Return those of all that is held."""
    return [leaf for (leaf,) in db.rows("SELECT leaf FROM roster_objects")]


def counts(db: Db) -> dict[str, int]:
    """Return how many objects there are that are in force here, by kind."""
    query = (
        "SELECT CASE instr(object, '/') WHEN 0 THEN object ELSE substr(object, 1, instr(object, '/') - 1) END AS kind,"
        " count(*) FROM roster_objects WHERE ours AND code IS NULL GROUP BY kind ORDER BY kind"
    )
    return dict(db.rows(query))


def count_problems(db: Db) -> int:
    """Return how many objects could not be put in force, and one more where the service is doubted."""
    query = (
        "SELECT (SELECT count(*) FROM roster_objects INDEXED BY roster_problems WHERE code IS NOT NULL)"
        " + (trouble IS NOT NULL) FROM roster_state"
    )
    return int(db.rows(query)[0][0])


def reading(db: Db) -> Reading:
    """Return how far the device has read."""
    return Reading(*db.rows("SELECT cursor, head, tally, service, trouble, targets FROM roster_state")[0])


def read_to(db: Db, now: Reading) -> None:
    """Note how far the device has read; in the transaction of what it has read."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE roster_state SET cursor = ?, head = ?, tally = ?, service = ?, trouble = ?, targets = ?",
            (now.cursor, now.head, now.tally, now.service, now.trouble, now.targets),
        )


def groups_given(db: Db, device: str) -> tuple[str, ...] | None:
    """Return the groups that the roster puts a device into; None where it says nothing of it.

    Args:
        db: the database.
        device: its object, `device/<site>/<name>`.
    """
    it = held(db, device)
    body = json.loads(it.document).get("body") if it is not None and it.document is not None else None
    return None if body is None else tuple(body.get("groups", ()))


def pins_of(db: Db, person: str) -> tuple[str, str | None] | None:
    """Return the hashes of a person's PIN and duress PIN; None where there is no PIN."""
    rows = db.rows("SELECT hash, duress FROM pins WHERE person = ?", (person,))
    return (rows[0][0], rows[0][1]) if rows else None


def sealed_of(db: Db, person: str) -> list[Sealed]:
    """Return the templates of a person that were given, not learnt at the door, the oldest first."""
    rows = db.rows(
        "SELECT model, key, vector, face_px, sharpness, yaw, exposure, contrast, added_at FROM templates"
        " WHERE person = ? AND event IS NULL AND key IS NOT NULL ORDER BY id",
        (person,),
    )
    return [Sealed(model, key, vector, tuple(measures), at) for model, key, vector, *measures, at in rows]


def put_sealed(db: Db, person: str, templates: Sequence[Sealed], at: datetime) -> tuple[int, int]:
    """Give a person who is there these templates, in place of others that were given; learnt ones stay.

    Args:
        db: the database.
        person: their id.
        templates: sealed with the database's key, all of one encoder.
        at: now.

    Returns:
        How many are new, and how many went.
    """
    models = {template.model for template in templates}
    wanted = {template.vector for template in templates}
    with db.transaction() as sql:
        check_bound(db)
        there = {
            vector: number
            for number, model, vector in sql.execute(
                "SELECT id, model, vector FROM templates WHERE person = ? AND event IS NULL", (person,)
            ).fetchall()
            if model in models or not models
        }
        gone = [(number,) for vector, number in there.items() if vector not in wanted]
        new = [template for template in templates if template.vector not in there]
        sql.executemany("DELETE FROM templates WHERE id = ?", gone)
        if gone:
            db.wipe_log()
        sql.executemany(
            "INSERT INTO templates (person, model, key, vector, face_px, sharpness, yaw, exposure, contrast, added_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(person, template, at) for template in new],
        )
    return len(new), len(gone)


def _row(person: str, template: Sealed, at: datetime) -> tuple[Any, ...]:
    return (person, template.model, template.key, template.vector, *template.measures, template.added_at or to_text(at))


def _held(db: Db, clauses: str, *parameters: object) -> list[Held]:
    rows = db.rows(f"SELECT {_COLUMNS} FROM roster_objects {clauses}", parameters)  # noqa: S608 - ours
    return [
        Held(name, version, taken, leaf, bool(ours), code, problem, document, waiting)
        for name, version, taken, leaf, ours, code, problem, document, waiting in rows
    ]
