"""Where events and answers name people: found, and rewritten when somebody is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from agent.privacy.chain import FORGOTTEN, NOBODY
from agent.store.db import Db
from agent.store.times import from_text
from agent.types import Event

Rewrite = Callable[[Any], Any]
_ERASED: Final[dict[str, dict[str, object]]] = {
    "by": {"by": None, "by_salt": None},
    "about": {"subject": None, "command_id": None, "details": {}, "about_salt": None},
}


def naming(db: Db, texts: Sequence[str]) -> Iterator[Event]:
    """Yield the events in whose bodies one of `texts` stands anywhere, also as a part of another; in order."""
    if not texts:
        return
    # As in the body: agent.store.events writes JSON with escapes
    parts = [json.dumps(text)[1:-1] for text in texts]
    where = " OR ".join(["instr(body, ?)"] * len(parts))
    query = f"SELECT id, seq, kind, at, boot_id, body FROM events WHERE {where} ORDER BY seq"  # noqa: S608 - ours
    for id_, seq, kind, at, boot_id, body in db.rows(query, parts):
        yield Event(id_, seq, kind, from_text(at), boot_id, json.loads(body))


def of_punches(db: Db, ids: Sequence[str]) -> frozenset[str]:
    """Return the ids of the events that tell of punches of `ids`: their own, and the decisions that they come from."""
    query = (
        "SELECT events.id, json_extract(body, '$.access') FROM punches JOIN events ON events.id = punches.id"  # noqa: S608 - ours
        f" WHERE punches.person IN ({', '.join('?' * len(ids))})"
    )
    rows = db.rows(query, ids)
    return frozenset(event for row in rows for event in row if event is not None)


def rewrite_reasons(db: Db, ids: Sequence[str], texts: Sequence[str], rewrite: Rewrite) -> int:
    """Rewrite the reasons of corrections that name somebody, but for those of `ids`; return how many were changed."""
    where = " OR ".join(["instr(why, ?)"] * len(texts))
    marks = ", ".join("?" * len(ids))
    query = f"SELECT id, why FROM corrections WHERE ({where}) AND person NOT IN ({marks})"  # noqa: S608 - ours
    changed = [(new, id_) for id_, why in db.rows(query, [*texts, *ids]) if (new := rewrite(why)) != why]
    with db.transaction() as sql:
        sql.executemany("UPDATE corrections SET why = ? WHERE id = ?", changed)
    return len(changed)


def rewrite_events(db: Db, texts: Sequence[str], rewrite: Callable[[Event], dict[str, Any]]) -> int:
    """Rewrite the events that name somebody, sent or not; return how many were changed.

    An event that is changed before it is sent goes out as it is then. Those of the audit are for `erase_audit`.
    """
    changed = []
    for event in naming(db, texts):
        if event.kind == "audit":
            continue
        body = rewrite(event)
        if body != event.body:
            changed.append((_json(body), event.seq))
    with db.transaction() as sql:
        sql.executemany("UPDATE events SET body = ? WHERE seq = ?", changed)
    return len(changed)


def erase_audit(db: Db, texts: Sequence[str], *, ids: Collection[str]) -> int:
    """Erase from the audit's events what `agent.store.audit.erase` erases from its rows; return how many it were."""
    ids = set(ids) - NOBODY
    changed = []
    for event in naming(db, texts):
        if event.kind != "audit" or event.body.get("action") == FORGOTTEN:
            continue
        body = dict(event.body)
        by = body.get("by") in ids
        about = body.get("subject") in ids or _names(body.get("details"), ids)
        erased: dict[str, object] = {**(_ERASED["by"] if by else {}), **(_ERASED["about"] if about else {})}
        if erased:
            changed.append((_json(body | erased), event.seq))
    with db.transaction() as sql:
        sql.executemany("UPDATE events SET body = ? WHERE seq = ?", changed)
    return len(changed)


def blank_answers(db: Db, texts: Sequence[str], rewrite: Rewrite) -> int:
    """Empty the answers to commands that name somebody; return how many.

    That the command was carried out stays known, so that it is not done again.
    """
    parts = [each for text in texts for each in {text, json.dumps(text)[1:-1]}]
    if not parts:
        return 0
    where = " OR ".join(["instr(result, ?)"] * len(parts))
    found = db.rows(f"SELECT number, result FROM commands WHERE {where}", parts)  # noqa: S608 - ours
    blank = []
    for number, text in found:
        result = json.loads(text)
        if rewrite(result) != result:
            kept = {key: value for key, value in result.items() if key not in {"data", "message"}}
            blank.append((_json(kept), number))
    with db.transaction() as sql:
        sql.executemany("UPDATE commands SET result = ? WHERE number = ?", blank)
    return len(blank)


def blank_jobs(db: Db, texts: Sequence[str]) -> int:
    """Give up the jobs that are asked to do something with somebody, and empty what is told of others; return how many.

    What names somebody as a part of another word goes as well: that nothing stays counts for more.
    """
    changed = 0
    with db.transaction() as sql:
        for text in texts:
            named = {"text": json.dumps(text, ensure_ascii=False)[1:-1], "escaped": json.dumps(text)[1:-1]}
            changed += sql.execute(
                "UPDATE jobs SET cancelled_by = 'forget' WHERE body <> ''"
                " AND (instr(body, :text) OR instr(body, :escaped))",
                named,
            ).rowcount
            changed += sql.execute(
                "UPDATE jobs SET data = NULL, message = NULL, note = '' WHERE body = '' AND (instr(data, :text)"
                " OR instr(data, :escaped) OR instr(message, :text) OR instr(note, :text))",
                named,
            ).rowcount
    return changed


def drop_waiting(db: Db, ids: Sequence[str], texts: Sequence[str]) -> int:
    """Drop what the roster says of `ids` and could not be put in force; return of how many.

    Why something of others could not be is not told any more where it names one of `texts`: it is tried again.
    """
    with db.transaction() as sql:
        for text in texts:
            sql.execute("UPDATE roster_objects SET problem = '' WHERE instr(problem, ?)", (text,))
        dropped = "UPDATE roster_objects SET waiting = NULL, problem = '' WHERE object = ? AND waiting IS NOT NULL"
        return sum(sql.execute(dropped, (f"person/{id_}",)).rowcount for id_ in ids)


def _names(value: object, ids: Collection[str]) -> bool:
    """Whether a text or a key anywhere in JSON is one of `ids`: as in `agent.store.audit.about`."""
    match value:
        case dict():
            return any(key in ids or _names(each, ids) for key, each in value.items())
        case list():
            return any(_names(each, ids) for each in value)
    return value in ids


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
