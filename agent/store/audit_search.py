"""Rows of the audit as somebody looks for them: the newest first, page by page, each in bounded time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from agent.privacy.chain import Row, at_text
from agent.store import audit
from agent.store.db import Db

WINDOW = 20_000  # rows looked at for a page: a few hundredths of a second, and a fraction of one on a Pi
_BY, _SUBJECT = """coalesce("by", '')""", "coalesce(subject, '')"  # NULL: erased, or nobody
_REST = "coalesce(command_id, '') || char(10) || coalesce(details, '')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What rows have to be like; what is empty counts for nothing. Texts are found anywhere, in capitals or not."""

    action: str = ""  # as it is
    by: str = ""
    subject: str = ""
    text: str = ""  # in any of these, in the command's id, or in the details
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the newest first; there may be more below `before`, unless it is None."""

    rows: list[Row]
    before: int | None


def page(db: Db, wanted: Wanted, *, before: int | None = None, limit: int = 50) -> Page:
    """Return up to `limit` rows below the number `before`; fewer than there are where it was looked at `WINDOW`."""
    newest = audit.head(db).number if before is None else before - 1
    floor = _floor(newest)
    conditions, parameters = _conditions(wanted)
    columns = ", ".join(f'"{field.name}"' for field in fields(Row))
    found = db.rows(
        f"SELECT {columns} FROM audit WHERE number BETWEEN ? AND ?{conditions} ORDER BY number DESC LIMIT ?",  # noqa: S608 - ours
        (floor, newest, *parameters, limit),
    )
    rows = [Row(*row) for row in found]
    lowest = rows[-1].number if len(rows) == limit else floor
    below = db.rows("SELECT max(number) FROM audit WHERE number < ?", (lowest,))[0][0]
    return Page(rows, None if below is None else below + 1)  # past any gap: somebody may have tampered with the numbers


def actions(db: Db) -> list[str]:
    """Return what was done lately, each once."""
    floor = _floor(audit.head(db).number)
    found = db.rows("SELECT DISTINCT action FROM audit WHERE number >= ? ORDER BY action", (floor,))
    return [action for (action,) in found]


def last(db: Db, action: str) -> Row | None:
    """Return the last row of an action, if it is among those of late."""
    found = page(db, Wanted(action=action), limit=1).rows
    return found[0] if found else None


def _floor(newest: int) -> int:
    """The number of the last row that is looked at; whoever tampered with them may have used the least of SQLite's."""
    return max(newest - WINDOW + 1, -(2**63))


def _conditions(wanted: Wanted) -> tuple[str, list[str]]:
    """The conditions of SQL, and what is put into them."""
    said, parameters = "", list[str]()
    if wanted.action:
        said += " AND action = ?"
        parameters.append(wanted.action)
    for text, columns in (
        (wanted.by, _BY),
        (wanted.subject, _SUBJECT),
        (wanted.text, f"action || char(10) || {_BY} || char(10) || {_SUBJECT} || char(10) || {_REST}"),
    ):
        if text:
            said += f" AND instr(casefold({columns}), ?)"
            parameters.append(text.casefold())
    for at, how in ((wanted.since, ">="), (wanted.until, "<")):
        if at is not None:
            said += f" AND at {how} ?"
            parameters.append(at_text(at))
    return said, parameters
