"""What happened, in order, and what of it is still to be acknowledged: one row holds both.

An event is in the outbox until `sent_at`: until the broker has acknowledged it, or a collector where the configuration
says so (`[mqtt] acknowledged`). For the latter, `published_at` says since when the broker has it.

`seq` is the order and the truth. `at` is what the clock said, and clocks are set back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ulid import ULID

from agent.store.db import Db
from agent.store.times import from_text, to_text
from agent.types import Event

_COLUMNS = "seq, id, kind, at, boot_id, body"


def append(
    db: Db,
    kind: str,
    at: datetime,
    boot_id: str,
    body: Mapping[str, object],
    *,
    id: str | None = None,  # noqa: A002 - as in Event
) -> Event:
    """Record an event; when this returns it is on the disk, or a part of the transaction it is called in.

    Args:
        db: the database.
        kind: the last level of the topic.
        at: when it happened.
        boot_id: of this run of the agent.
        body: JSON values only.
        id: a ULID; a new one if None. Trying again with the same id and content records nothing new.
    """
    text = _json(body)
    # A ULID counts from 1970, and so should a clock; but an event is not lost to one that does not
    id_ = str(ULID.from_timestamp(max(at.timestamp(), 0.0))) if id is None else id
    row = (id_, kind, to_text(at), boot_id, text)
    with db.transaction() as sql:
        # Looked for first: an insert that is turned down would leave a gap in seq
        stored = sql.execute(f"SELECT {_COLUMNS} FROM events WHERE id = ?", (id_,)).fetchone()  # noqa: S608 - ours
        if stored is None:
            new = sql.execute("INSERT INTO events (id, kind, at, boot_id, body) VALUES (?, ?, ?, ?, ?)", row)
            stored = (new.lastrowid, *row)
        elif stored[1:] != row:
            raise ValueError(f"the event id {id_} is taken by another event")
    return _event(stored)


def unsent(db: Db, *, after: int = 0, limit: int = 100) -> list[Event]:
    """Return the first `limit` events beyond the seq `after` that wait for the broker, in order."""
    # Without the index named, SQLite walks over all the sent ones
    return _select(db, "INDEXED BY events_unsent WHERE sent_at IS NULL AND seq > ? ORDER BY seq LIMIT ?", after, limit)


def oldest_unsent(db: Db) -> Event | None:
    """Return the first event that waits for the broker, if any."""
    return next(iter(unsent(db, limit=1)), None)


def count_unsent(db: Db) -> int:
    """Return how many events wait for the broker."""
    return int(db.rows("SELECT count(*) FROM events INDEXED BY events_unsent WHERE sent_at IS NULL")[0][0])


def mark_sent(db: Db, seqs: Iterable[int], at: datetime) -> None:
    """Note that the broker has acknowledged these; twice does no harm, and unknown ones are ignored."""
    now = to_text(at)
    with db.transaction() as sql:
        sql.executemany("UPDATE events SET sent_at = ? WHERE seq = ? AND sent_at IS NULL", [(now, seq) for seq in seqs])


def unpublished(db: Db, *, after: int = 0, limit: int = 100) -> list[Event]:
    """Return the first `limit` events beyond the seq `after` that no broker has, in order."""
    where = "INDEXED BY events_unpublished WHERE sent_at IS NULL AND published_at IS NULL"
    return _select(db, f"{where} AND seq > ? ORDER BY seq LIMIT ?", after, limit)


def unacknowledged(db: Db, before: datetime, now: datetime, *, limit: int = 100) -> list[Event]:
    """Return events that a broker took before `before` and no collector has acknowledged, the longest ago first.

    What it took after `now` counts as well: the clock has been set back.
    """
    one = (
        f"SELECT {_COLUMNS}, published_at FROM events INDEXED BY events_unacknowledged"  # noqa: S608 - ours
        " WHERE sent_at IS NULL AND published_at"
    )
    query = f"{one} < ? UNION ALL {one} > ? ORDER BY published_at, seq LIMIT ?"
    return [_event(row[:-1]) for row in db.rows(query, (to_text(before), to_text(now), limit))]


def mark_published(db: Db, seqs: Iterable[int], at: datetime) -> None:
    """Note that the broker has these, now or once more; they stay until a collector has acknowledged them."""
    now = to_text(at)
    with db.transaction() as sql:
        sql.executemany(
            "UPDATE events SET published_at = ? WHERE seq = ? AND sent_at IS NULL", [(now, seq) for seq in seqs]
        )


def mark_acknowledged(db: Db, ranges: Iterable[tuple[int, int]], at: datetime) -> int:
    """Note that a collector has these; return how many it had not acknowledged before.

    What has not gone out nobody can have. After an older copy of the file was put back, new events have numbers that
    others had before them, and an acknowledgement of those may still be on its way.

    Args:
        db: the database.
        ranges: first and last seq of each.
        at: when.
    """
    now = to_text(at)
    with db.transaction() as sql:
        query = (
            "UPDATE events SET sent_at = ? WHERE sent_at IS NULL AND published_at IS NOT NULL AND seq BETWEEN ? AND ?"
        )
        return sum(sql.execute(query, (now, first, last)).rowcount for first, last in ranges)


def newest(db: Db) -> int:
    """Return the greatest seq that was ever given; 0 before the first."""
    rows = db.rows("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
    return int(rows[0][0]) if rows else 0


def recent(db: Db, limit: int) -> list[Event]:
    """Return the last `limit` events, in order."""
    return _select(db, "ORDER BY seq DESC LIMIT ?", limit)[::-1]


def find(db: Db, id: str) -> Event | None:  # noqa: A002 - as in Event
    """Return the event with this id, if there is one."""
    return next((_event(row) for row in db.rows(f"SELECT {_COLUMNS} FROM events WHERE id = ?", (id,))), None)  # noqa: S608


def since(
    db: Db, seq: int, limit: int, *, kinds: Sequence[str] | None = None, hidden: Sequence[str] = ()
) -> list[Event]:
    """Return the first `limit` events beyond `seq`, sent or not, in order.

    Args:
        db: the database.
        seq: of the last one that is known.
        limit: so many at most.
        kinds: of these alone; None: of all.
        hidden: but not of these.
    """
    where, values = "seq > ?", list[str]()
    for word, chosen in (("IN", kinds), ("NOT IN", hidden)):
        if chosen is not None:
            where += f" AND kind {word} ({', '.join('?' * len(chosen))})"
            values += chosen
    return _select(db, f"WHERE {where} ORDER BY seq LIMIT ?", seq, *values, limit)


def count_old(db: Db, before: datetime, *, broker: bool = True) -> int:
    """Return how many events `prune` would forget."""
    return int(db.rows(f"SELECT count(*) FROM events WHERE {_old(broker)}", (to_text(before),))[0][0])  # noqa: S608 - ours


def prune(db: Db, before: datetime, *, broker: bool = True) -> int:
    """Forget what the broker got before `before`; without a broker what happened before. Return how many that were.

    With a broker, what it does not have is never forgotten.
    """
    with db.transaction() as sql:
        return sql.execute(f"DELETE FROM events WHERE {_old(broker)}", (to_text(before),)).rowcount  # noqa: S608 - ours


def _old(broker: bool) -> str:  # noqa: FBT001 - of the callers' keyword
    return "sent_at < ?" if broker else "at < ?"


def _select(db: Db, clauses: str, *parameters: int | str) -> list[Event]:
    return [_event(row) for row in db.rows(f"SELECT {_COLUMNS} FROM events {clauses}", parameters)]  # noqa: S608 - ours


def _event(row: tuple[Any, ...]) -> Event:
    seq, id_, kind, at, boot_id, body = row
    return Event(id_, seq, kind, from_text(at), boot_id, json.loads(body))


def _json(body: Mapping[str, object]) -> str:
    """Return `body` as JSON that reads back as the very same, or raise ValueError."""
    try:
        text = json.dumps(body, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the body of an event is not JSON: {error}") from error
    if json.loads(text) != body:  # tuples, or keys that are numbers
        raise ValueError("the body of an event is not JSON: want lists, not tuples, and keys that are text")
    return text
