"""What happened, newest first and page by page: of a kind, of a person, with an outcome, within a time, with a text.

A page looks at so many events at most and says how far it came: nobody waits for the rare one among half a million.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.store.db import Db
from agent.store.members import ids_of
from agent.store.times import from_text, to_text
from agent.types import Event

LOOKED_AT: Final = 5_000  # events, for one page
FOLLOWING: Final = 50  # events after a decision among which are those that it has made
_PERSON: Final = "json_extract(body, '$.person')"  # as in the index
_FIRST, _BEYOND = 1, 2**62  # seqs
_COLUMNS: Final = "seq, id, kind, at, boot_id, body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events; None and nothing stand for all."""

    kinds: Sequence[str] = ()
    hidden: Sequence[str] = ()  # kinds that whoever asks may not see
    person: str | None = None  # by any of their ids
    outcome: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # from then on no more
    text: str | None = None  # anywhere in what it says, in capitals or not


@dataclass(frozen=True, slots=True)
class Page:
    """What was found."""

    events: list[Event]  # the newest first
    before: int | None  # the seq before which to go on; None: there are no more
    looked_back_to: datetime | None  # when what was looked at last happened


def page(db: Db, wanted: Wanted, *, before: int | None = None, limit: int = 50) -> Page:
    """Return the newest events that are wanted.

    Args:
        db: the database.
        wanted: which.
        before: a seq: those before it.
        limit: so many at most.
    """
    least, most = _looked_at(db, wanted, before)
    conditions, values = _conditions(db, wanted)
    query = f"SELECT {_COLUMNS} FROM events WHERE seq BETWEEN ? AND ? AND {conditions} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - ours
    found = [_event(row) for row in db.rows(query, (least, most, *values, limit + 1))]
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].seq, found[limit - 1].at)
    rest = db.rows("SELECT at FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1", (least,)) if least > _FIRST else []
    return Page(found, least, from_text(rest[0][0])) if rest else Page(found, None, None)


def made_by(db: Db, event: Event) -> list[Event]:
    """Return what a decision has made: the punch, and alarms."""
    query = (
        f"SELECT {_COLUMNS} FROM events WHERE seq > ? AND seq <= ? AND kind IN ('attendance', 'alarm')"  # noqa: S608 - ours
        " AND json_extract(body, '$.access') = ? ORDER BY seq"
    )
    return [_event(row) for row in db.rows(query, (event.seq, event.seq + FOLLOWING, event.id))]


def names(db: Db, ids: Iterable[object]) -> dict[str, str]:
    """Return what people are called, by id, and by ids that they had before; who is not known is left out."""
    asked = json.dumps(sorted({id_ for id_ in ids if isinstance(id_, str)}))
    query = (
        "SELECT value, name FROM json_each(?) JOIN people ON people.id ="
        " coalesce((SELECT person FROM former_ids WHERE was = value), value)"
    )
    return dict(db.rows(query, (asked,)))


def weighed(db: Db, since: datetime, limit: int) -> list[tuple[Any, ...]]:
    """Return of the latest decisions: at, outcome, reason, person, similarity, threshold, whether a repeat.

    Those that were undone are not among them.
    """
    parts = ", ".join(
        f"json_extract(body, '$.{part}')"
        for part in ("outcome", "reason", "person", "similarity", "threshold", "repeat")
    )
    query = (
        f"SELECT at, {parts} FROM events INDEXED BY events_at WHERE at >= ? AND kind = 'access'"  # noqa: S608 - ours
        " AND id NOT IN (SELECT event FROM undone) ORDER BY at DESC LIMIT ?"
    )
    return db.rows(query, (to_text(since), limit))


def _looked_at(db: Db, wanted: Wanted, before: int | None) -> tuple[int, int]:
    """The first and the last seq of what a page looks at; the first is 1 where nothing before it can be wanted."""
    least, most = _FIRST, (before or _BEYOND) - 1
    if wanted.since or wanted.until:  # `seq` is the order, and clocks are set back: a time is a range of seqs
        within, times = _within(wanted)
        range_ = db.rows(f"SELECT min(seq), max(seq) FROM events INDEXED BY events_at WHERE {within}", times)[0]  # noqa: S608 - ours
        least, most = max(least, range_[0] or _BEYOND), min(most, range_[1] or 0)
    if wanted.person:
        mine, ids = _of(db, wanted.person)
        query = (
            f"SELECT seq FROM events INDEXED BY events_person WHERE {mine} AND seq BETWEEN ? AND ? ORDER BY seq DESC"  # noqa: S608 - ours
        )
        last = db.rows(f"{query} LIMIT 1 OFFSET ?", (*ids, least, most, LOOKED_AT))
        return (last[0][0] + 1, most) if last else (_FIRST if least <= most else _BEYOND, most)
    newest = db.rows("SELECT seq FROM events WHERE seq <= ? ORDER BY seq DESC LIMIT 1", (most,))
    if not newest:
        return _FIRST, 0
    start = newest[0][0] - LOOKED_AT + 1
    return (start, most) if start > least else (_FIRST, most)


def _conditions(db: Db, wanted: Wanted) -> tuple[str, list[Any]]:
    conditions, values = ["true"], list[Any]()
    if wanted.person:
        mine, ids = _of(db, wanted.person)
        conditions.append(mine)
        values += ids
    for word, kinds in (("IN", wanted.kinds), ("NOT IN", wanted.hidden)):
        if kinds:
            conditions.append(f"kind {word} ({', '.join('?' * len(kinds))})")
            values += kinds
    for name, value in (("outcome", wanted.outcome), ("reason", wanted.reason)):
        if value:
            conditions.append(f"json_extract(body, '$.{name}') = ?")
            values.append(value)
    if wanted.since or wanted.until:
        within, times = _within(wanted)
        conditions.append(within)
        values += times
    if wanted.text:  # as it is written, to find few quickly; then in what is said, and not in what it is called
        conditions.append(
            r"(instr(lower(body), lower(?)) OR instr(body, '\u')) AND EXISTS"  # what is escaped has to be read
            " (SELECT 1 FROM json_tree(body) WHERE type = 'text' AND instr(casefold(CAST(atom AS BLOB)), ?))"
        )
        values += [json.dumps(wanted.text)[1:-1], wanted.text.casefold()]
    return " AND ".join(conditions), values


def _of(db: Db, person: str) -> tuple[str, tuple[str, ...]]:
    ids = ids_of(db, person)
    return f"{_PERSON} IN ({', '.join('?' * len(ids))})", ids


def _within(wanted: Wanted) -> tuple[str, list[str]]:
    told = (("at >= ?", wanted.since), ("at < ?", wanted.until))
    return " AND ".join(each for each, at in told if at), [to_text(at) for _, at in told if at]


def _event(row: tuple[Any, ...]) -> Event:
    seq, id_, kind, at, boot_id, body = row
    return Event(id_, seq, kind, from_text(at), boot_id, json.loads(body))
