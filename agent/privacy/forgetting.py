"""Forgetting a person: what belongs to nobody else is deleted, the rest loses the name, and a receipt stays.

`remove` is the part that makes a person unknown to the door: templates, PIN, cards, groups, consents, the person. It is
what `latchkey people remove` and the command `remove` do. `forget` is that and all traces: events and answers get a
pseudonym in the place of the person, the audit is erased where it is about the person (its chain still holds, see
`agent.privacy.chain`), attendance is treated as the configuration says, and the file is written anew without the gaps.

The pseudonym is random and nowhere kept beside the id: what happened can be counted and no longer be told whose it was.
Where attendance is kept, its punches tell whose the events are that they came from: those get a pseudonym of their own.
Events that the broker does not have yet go out with the pseudonym; the only one that still has the id is that of the
forgetting, so that those who listen can forget as well. The id stays in the receipt, for [retention] receipts_days,
and in attendance where that is kept. Both bear repeating: a crash in between leaves a whole or nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.audit import audit
from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.privacy.chain import ERASED, ERASED_BY, FORGOTTEN, NOBODY
from agent.privacy.redaction import Pseudonyms, relabelled
from agent.store import audit as chain
from agent.store import members, places, receipts, traces
from agent.store.db import Db
from agent.store.places import Fate
from agent.types import Event

if TYPE_CHECKING:
    from agent.register import Request


class Rule(StrEnum):
    """Why somebody is forgotten."""

    ASKED = "asked"  # the person, or the operator for the person
    REMOVED = "removed"  # from the door: the traces stay
    LEFT = "left"  # [retention] left_days
    VISITOR = "visitor"  # [retention] visitor_days


class Attendance(StrEnum):
    """What becomes of punches, corrections and rosters."""

    KEEP = "keep"
    PSEUDONYMISE = "pseudonymise"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Removed:
    """What `remove` has done."""

    templates: int
    receipt: str  # its id


def remove(db: Db, person: str, request: Request) -> Removed:
    """Makes a person unknown to the door and leaves a receipt; what happened keeps the id.

    Args:
        db: the database.
        person: id.
        request: who asks.

    Raises:
        CommandError: nobody has this id.
    """
    if not db.rows("SELECT 1 FROM people WHERE id = ?", (person,)):
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}")
    ids = places.ids_of(db, person)
    with db.transaction():
        what = {"deleted": places.delete(db, ids, Fate.DELETED)}
        receipt = _receipt(db, person, request, Rule.REMOVED, what=what)
        templates = what["deleted"].get("templates", 0)
        audit(db, "removed", person, request, {"templates": templates, "receipt": receipt.id, **what})
        db.wipe_log()
    return Removed(templates, receipt.id)


def forget(
    db: Db,
    config: Config,
    person: str,
    request: Request,
    *,
    rule: Rule = Rule.ASKED,
    reason: str = "",
    attendance: Attendance | None = None,
    vacuum: bool = True,
) -> receipts.Receipt:
    """Forgets a person everywhere in the database.

    Args:
        db: the database.
        config: what becomes of attendance.
        person: id; also of somebody who was removed and has left traces.
        request: who asks.
        rule: why.
        reason: in the words of who asks, for the receipt.
        attendance: None: as configured.
        vacuum: write the file anew afterwards; whoever forgets several does that once at the end.

    Returns:
        The receipt; of a command that was carried out before, the one it left.

    Raises:
        CommandError: nothing is held of this person.
        StoreError: nothing was forgotten.
    """
    done = receipts.of_command(db, request.command_id) if request.command_id else None
    if done is not None and done.person == person:
        return done
    ids = ids_now(db, person)
    with db.transaction():
        what = _forgotten(db, ids, Attendance(attendance or config.retention.forget_attendance))
        if not any(what.values()):
            raise CommandError(Code.UNKNOWN_PERSON, f"nothing is held of {person[:80]!r}: nobody was forgotten")
        erased = what.pop("audit")
        numbers = {number for rows in erased.values() for number in rows}
        what["erased"] = {"audit": len(numbers)} if numbers else {}
        receipt = _receipt(db, person, request, rule, reason=reason, what=what)
        audit(db, FORGOTTEN, person, request, {"receipt": receipt.id, "rule": rule.value, **erased, **what})
        if vacuum:
            db.vacuum()
        db.wipe_log()
    return receipt


def ids_now(db: Db, person: str) -> list[str]:
    """Returns a person's id and those they had before.

    Raises:
        CommandError: it is an id that somebody had before.
    """
    now = members.current_id(db, person)
    if now is not None and not db.rows("SELECT 1 FROM people WHERE id = ?", (person,)):
        raise CommandError(Code.UNKNOWN_PERSON, f"{person} is called {now} now: say {now}")
    return places.ids_of(db, person)


def as_json(receipt: receipts.Receipt) -> dict[str, Any]:
    """Returns a receipt as JSON values."""
    return {
        "receipt": receipt.id,
        "at": timestamp(receipt.at),
        "person": receipt.person,
        "by": receipt.by,
        "rule": receipt.rule,
        "reason": receipt.reason,
        **receipt.what,
    }


def _forgotten(db: Db, ids: Sequence[str], attendance: Attendance) -> dict[str, Any]:
    """Takes a person out of all tables; returns counts by what was done and table, and the rows of the audit."""
    name = next((name for (name,) in db.rows("SELECT name FROM people WHERE id = ?", (ids[0],))), "")
    texts = [*ids, *([name] if name not in {"", *ids} else [])]
    pseudonym = _pseudonym()
    rewrite = beside = Pseudonyms(ids, name, pseudonym)
    told: frozenset[str] = frozenset()  # events that attendance which is kept tells the id of
    what: dict[str, Any] = {"deleted": places.delete(db, ids, Fate.DELETED), "kept": {}, "pseudonymised": {}}
    match attendance:
        case Attendance.KEEP:
            what["kept"] = places.count(db, ids, Fate.ATTENDANCE)
            told, beside, pseudonym = traces.of_punches(db, ids), Pseudonyms(ids, name, _pseudonym()), _pseudonym()
        case Attendance.PSEUDONYMISE:
            what["pseudonymised"] = places.replace(db, ids, pseudonym, Fate.ATTENDANCE)
        case Attendance.DELETE:
            what["deleted"] |= places.delete(db, ids, Fate.ATTENDANCE)

    def without(event: Event) -> dict[str, Any]:
        linked = not told.isdisjoint({event.id, event.body.get("access")})
        labels = relabelled(event.body, None) if event.body.get("person") in ids else {}
        return {**(beside if linked else rewrite)(event.body), **labels}

    changed = [
        *places.replace(db, [each for each in texts if each not in NOBODY], pseudonym, Fate.ACTOR).items(),
        ("corrections", traces.rewrite_reasons(db, ids, texts, rewrite)),
        ("events", traces.rewrite_events(db, texts, without) + traces.erase_audit(db, texts, ids=set(texts))),
        ("commands", traces.blank_answers(db, texts, rewrite)),
        ("jobs", traces.blank_jobs(db, texts)),
        ("roster_objects", traces.drop_waiting(db, ids, texts)),
    ]
    for table, count in changed:
        if count:
            what["pseudonymised"][table] = what["pseudonymised"].get(table, 0) + count
    rows = [chain.erase(db, each) for each in texts]
    what["audit"] = {
        key: found for key in (ERASED, ERASED_BY) if (found := sorted({n for row in rows for n in row[key]}))
    }
    return what


def _pseudonym() -> str:
    return f"forgotten-{secrets.token_hex(6)}"


def _receipt(
    db: Db, person: str, request: Request, rule: Rule, *, reason: str = "", what: dict[str, Any]
) -> receipts.Receipt:
    return receipts.add(
        db,
        at=request.at,
        person=person,
        by=request.by,
        command_id=request.command_id,
        rule=rule.value,
        reason=reason,
        what=what,
    )
