"""Forgetting a person in a fleet: a device says whom, all events of the site lose the person, a proof stays.

Devices tell it by the event `audit` with the action `forgotten`. In the transaction that writes it down, all events of
the site that name the person, under this or a former id, get a pseudonym instead; what the audit says about the person
is erased, as on the device. What other doors still had in their outboxes, and tell of the time before, gets the same
pseudonym when it comes. The id is nowhere kept: a keyed digest tells whose late events those are.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from agent.attendance.punch import Clock
from agent.fleet.database import Pg
from agent.fleet.letter import Record, named
from agent.privacy.redaction import Pseudonyms, relabelled

FORGOTTEN: Final = "forgotten"
_ERASED: Final[Mapping[str, Any]] = {"subject": None, "command_id": None, "details": {}, "about_salt": None}
_BY: Final[Mapping[str, Any]] = {"by": None, "by_salt": None}


def asks(record: Record) -> str | None:
    """Returns whom an event wants to be forgotten, if anybody."""
    subject = record.body.get("subject")
    audit = record.kind == "audit" and record.body.get("action") == FORGOTTEN
    return subject if audit and isinstance(subject, str) and subject else None


def digest(pepper: bytes, site: str, person: str) -> bytes:
    """Returns what tells a person who was forgotten from others."""
    return hashlib.sha256(pepper + f"{site}\n{person}".encode()).digest()


def without(record: Record, ids: Collection[str], pseudonym: str) -> Record:
    """Returns an event that does not name a person any more.

    Args:
        record: the event.
        ids: the person's.
        pseudonym: what takes their place.
    """
    if record.kind == "audit":
        body = dict(record.body)
        about = body.get("subject") in ids or not set(ids).isdisjoint(named({"details": body.get("details")}))
        body |= {**(_ERASED if about else {}), **(_BY if body.get("by") in ids else {})}
        return replace(record, body=body, people=named(body))
    theirs = record.person in ids
    name = record.body.get("name") if theirs else None
    pseudonyms = Pseudonyms(ids, name if isinstance(name, str) else "", pseudonym)
    body = pseudonyms(dict(record.body)) | (relabelled(record.body, pseudonym) if theirs else {})
    person = pseudonym if theirs else record.person
    return replace(record, person=person, body=body, people=named({**body, "person": person}))


def late(pg: Pg, pepper: bytes, records: Sequence[Record]) -> list[Record]:
    """Returns events as they may be written down: without those who were forgotten after them."""
    who = {digest(pepper, record.site, person): person for record in records for person in record.people}
    if not who:
        return list(records)
    found = pg.execute(
        "SELECT digest, site, pseudonym, at FROM forgettings WHERE digest = ANY(%s) ORDER BY at", [list(who)]
    ).fetchall()
    if not found:
        return list(records)
    changed = []
    for record in records:
        for key, site, pseudonym, at in found:
            person = who[bytes(key)]
            if site == record.site and person in record.people and record.at <= at and asks(record) is None:
                record = without(record, {person}, pseudonym)  # noqa: PLW2901  one after the other
                pg.execute("UPDATE forgettings SET late = late + 1 WHERE (site, digest) = (%s, %s)", [site, key])
        changed.append(record)
    return changed


def forget(pg: Pg, pepper: bytes, record: Record, person: str) -> int:
    """Takes a person out of all events of a site, in the transaction that wrote down that it is asked for.

    Args:
        pg: in a transaction that holds off other writers.
        pepper: of the database.
        record: that asks for it; once is enough.
        person: whom.

    Returns:
        How many events lost the person.
    """
    key = digest(pepper, record.site, person)
    done = pg.execute(
        "SELECT FROM forgettings WHERE (site, digest, event_id) = (%s, %s, %s)", [record.site, key, record.id]
    )
    if done.rowcount:
        return 0
    ids, pseudonym = _ids(pg, record.site, person), f"forgotten-{secrets.token_hex(6)}"
    changed, until = 0, _until(pg, record)
    for event in _naming(pg, record, ids, until):
        _rewrite(pg, without(event, ids, pseudonym))
        changed += 1
    _rewrite(pg, without(record, ids, pseudonym))
    parts = [each.encode() for each in ids]
    for part in parts:  # the device has these still, and sends them again without the person
        pg.execute("DELETE FROM quarantine WHERE site = %s AND position(%s IN payload) > 0", [record.site, part])
    details = record.body.get("details")
    receipt = details.get("receipt") if isinstance(details, dict) else None
    for each in ids:
        pg.execute(
            "INSERT INTO forgettings (event_id, site, digest, pseudonym, receipt, at, events)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [record.id, record.site, digest(pepper, record.site, each), pseudonym, receipt, until, changed],
        )
    return changed


def _ids(pg: Pg, site: str, person: str) -> set[str]:
    """Returns a person's id and those they had before."""
    ids, ahead = {person}, [person]
    while ahead:
        was = pg.execute(
            "SELECT DISTINCT body #>> '{details,was}' FROM events WHERE site = %s AND kind = 'audit'"
            " AND people @> %s AND body ->> 'action' IN ('renamed', 'merged') AND body ->> 'subject' = %s",
            [site, [ahead[0]], ahead[0]],
        ).fetchall()
        ahead = [*ahead[1:], *(each for (each,) in was if each is not None and each not in ids)]
        ids |= set(ahead)
    return ids


def _until(pg: Pg, asking: Record) -> datetime:
    """Returns when somebody was forgotten: now, where the device's clock was not set and is behind."""
    if asking.body.get("clock") != Clock.UNSYNCHRONISED:
        return asking.at
    (now,) = pg.execute("SELECT now()").fetchone() or (asking.at,)
    return max(asking.at, now)


def _naming(pg: Pg, asking: Record, ids: Iterable[str], until: datetime) -> list[Record]:
    """Returns the other events of the site that name somebody: of before, or written down before, whatever they say."""
    rows = pg.execute(
        "SELECT site, device, '', id, seq, kind, at, boot_id, historical, person, people, body FROM events"
        " WHERE site = %s AND people && %s AND (at <= %s OR stored_at <= %s) AND id <> %s",
        [asking.site, sorted(ids), until, until, asking.id],
    ).fetchall()
    told: list[list[Any]] = [[*row[:10], tuple(row[10]), row[11]] for row in rows]
    return [Record(*values) for values in told]


def _rewrite(pg: Pg, record: Record) -> None:
    pg.execute(
        "UPDATE events SET person = %s, people = %s, body = %s::jsonb WHERE (site, device, id, at) = (%s, %s, %s, %s)",
        [
            record.person,
            list(record.people),
            json.dumps(record.body),
            *(record.site, record.device, record.id, record.at),
        ],
    )
