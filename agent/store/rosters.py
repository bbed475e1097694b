"""Who is to work when, beside the shifts of the rules; and who works here at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from agent.access.schedule import Span
from agent.attendance.plan import Employee
from agent.attendance.roster import Rostered
from agent.store.db import Db
from agent.store.times import from_text, to_text

_WHERE: Final = {"people": "id", "punches": "person", "corrections": "person", "rosters": "person"}
"""The column of each table with whoever may have worked: a correction may have added what nobody punched."""
_NEXT: Final = " UNION ALL ".join(
    f"SELECT min({column}) AS id FROM {table} WHERE {column} > found.id"  # noqa: S608 - ours
    for table, column in _WHERE.items()
)


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody, as reports see one."""

    id: str
    name: str
    badge: str | None
    employee: Employee


def who_worked(db: Db, *, after: str, limit: int) -> list[str]:
    """Return ids of people who may have worked, enrolled or not, in order: the first `limit` that come after one.

    Each is found from the one before by a look into every index: of a million punches of somebody none is read.
    """
    query = f"""
        WITH RECURSIVE found(id) AS (
            VALUES (:after) UNION ALL
            SELECT (SELECT min(id) FROM ({_NEXT})) FROM found WHERE found.id IS NOT NULL LIMIT :limit + 1
        ) SELECT id FROM found WHERE id > :after
        """  # noqa: S608 - ours
    return [id_ for (id_,) in db.rows(query, {"after": after, "limit": limit})]


def workers(db: Db, person: str | None = None) -> dict[str, Worker]:
    """Return everybody, or one person, by id: who is enrolled.

    They work from when they are valid, or else enrolled, until that ends or they leave.
    """
    one, args = ("", ()) if person is None else (" WHERE {} = ?", (person,))
    groups = defaultdict[str, set[str]](set)
    for member, group in db.rows(f'SELECT person, "group" FROM memberships{one.format("person")}', args):  # noqa: S608
        groups[member].add(group)
    columns = "id, name, badge, coalesce(valid_from, enrolled_at), valid_to, left_at"
    rows = db.rows(f"SELECT {columns} FROM people{one.format('id')} ORDER BY id", args)  # noqa: S608 - ours
    return {
        id_: Worker(id_, name, badge, Employee(frozenset(groups[id_]), from_text(begins), _first(ends)))
        for id_, name, badge, begins, *ends in rows
    }


def replace(db: Db, rostered: Iterable[Rostered], source: str) -> int:
    """Put these in place of what each person had between the first and the last of them; return how many changed.

    Importing a file again changes nothing; a corrected one replaces what the old one said of those days.
    """
    by_person = defaultdict[str, set[tuple[str, str]]](set)
    for each in rostered:
        by_person[each.person].add((to_text(each.starts_at), to_text(each.ends_at)))
    changed = 0
    with db.transaction() as sql:
        for person, new in by_person.items():
            begin, end = min(new)[0], max(new)[0]
            query = "SELECT starts_at, ends_at FROM rosters WHERE person = ? AND starts_at BETWEEN ? AND ?"
            old = set(sql.execute(query, (person, begin, end)).fetchall())
            sql.executemany(
                "DELETE FROM rosters WHERE person = ? AND starts_at = ?", [(person, each[0]) for each in old - new]
            )
            sql.executemany(
                "INSERT INTO rosters (person, starts_at, ends_at, source) VALUES (?, ?, ?, ?)",
                [(person, *each, source) for each in sorted(new - old)],
            )
            changed += len(old ^ new)
    return changed


def rosters(db: Db, begin: datetime, end: datetime, zone: ZoneInfo, person: str | None = None) -> dict[str, list[Span]]:
    """Return when people are to work, from `begin` until before `end`, by person."""
    whose, args = ("", ()) if person is None else ("person = ? AND ", (person,))  # so that their index is used
    rows = db.rows(
        f"SELECT person, starts_at, ends_at FROM rosters WHERE {whose}starts_at >= ? AND starts_at < ?"  # noqa: S608 - ours
        " ORDER BY person, starts_at",
        (*args, to_text(begin), to_text(end)),
    )
    found = defaultdict[str, list[Span]](list)
    for who, *span in rows:
        starts_at, ends_at = map(from_text, span)
        found[who].append(Span(starts_at, ends_at, starts_at.astimezone(zone).date()))
    return dict(found)


def _first(times: Iterable[str | None]) -> datetime | None:
    """Return the first of some times, of those that there are."""
    return min((from_text(at) for at in times if at is not None), default=None)
