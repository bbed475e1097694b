"""What the view of the audit asks beyond the verbs: rows by what they say, the whole as a file, and the check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import LatchkeyError
from agent.mqtt.message import LARGEST
from agent.mqtt.verbs.privacy import Anchored
from agent.mqtt.wire import code_of
from agent.privacy.chain import Anchor
from agent.store import audit, audit_search
from agent.store.audit_check import AuditCheck, Checked
from agent.store.db import Db
from agent.web.admin.front import Front
from agent.web.admin.operations import Moment, Operation, Query
from agent.web.admin.rooms.kept import attachment
from agent.web.admin.sessions import Session

LOT: Final = 200  # rows, at once
LINES: Final = "application/x-ndjson"
Text = Annotated[str, Field(max_length=128)]


class Looked(Query):
    """Which rows are looked for; texts are found anywhere, in capitals or not."""

    action: Text = ""
    by: Text = ""
    subject: Text = ""
    text: Text = ""
    since: Moment | None = None
    until: Moment | None = None
    before: Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | None = None  # a row's number: those below it
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Against(Query):
    """What the chain is compared with: the anchor of a row, HASH@NUMBER, as it was kept elsewhere."""

    anchor: Annotated[Anchored, Field(max_length=90)] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of rows, the newest first."""

    rows: list[audit.RowTold]
    before: int | None  # to go on with; None: these were the last
    actions: list[str] | None = None  # what was done lately; with the first page
    head: str | None = None  # the last row's anchor; with the first page


ROWS: Final = Operation(
    "GET", "audit/rows", "Rows of the audit by what they say, newest first.", verb="audit", query=Looked, result=Rows
)
CHECK: Final = Operation(
    "GET",
    "audit/check",
    "Checks the chain in steps: JSON lines with `done` of `of`, the last with `head` and what is `broken` first.",
    verb="audit",
    query=Against,
    result=LINES,
)
EXPORT: Final = Operation("GET", "audit/export", "All rows, oldest first, as JSON lines.", verb="audit", result=LINES)
OPERATIONS: Final = (ROWS, CHECK, EXPORT)


def routes(front: Front) -> list[Route]:
    """Returns what the view asks."""

    async def rows(request: Request, _: Session) -> Response:
        looked: Looked = request.state.query
        return ROWS.answered(await front.beside.read(lambda db: found(db, looked)))

    async def check(request: Request, _: Session) -> Response:
        anchor = request.state.query.anchor
        checking = AuditCheck(Anchor.parse(anchor) if anchor else None)
        return await front.beside.stream(lambda db: lines(checked(db, checking)), {"Content-Type": LINES})

    async def export(_: Request, __: Session) -> Response:
        headers = {"Content-Type": LINES} | attachment(front.agent.config, "audit.jsonl")
        return await front.beside.stream(lambda db: in_lots(lines(everything(db))), headers)

    return [ROWS.route(front, rows), CHECK.route(front, check), EXPORT.route(front, export)]


def found(db: Db, looked: Looked) -> Rows:
    """Returns a page of rows."""
    wanted = audit_search.Wanted(**looked.model_dump(exclude={"before", "limit"}))
    page = audit_search.page(db, wanted, before=looked.before, limit=looked.limit)
    rows = [audit.as_json(row) for row in page.rows]
    if looked.before is not None:
        return Rows(rows, page.before)
    return Rows(rows, page.before, audit_search.actions(db), str(audit.head(db)))


def checked(db: Db, check: AuditCheck) -> Iterator[dict[str, Any]]:
    """Yields how far a check is, the end last; others are read for between its steps."""
    step: Checked | None = None
    while step is None or not step.over:
        step = check.step(db)
        told: dict[str, Any] = {"done": step.done, "of": step.of}
        if step.over:
            told |= {"head": str(step.head), "broken": None if step.broken is None else asdict(step.broken)}
        yield told


def everything(db: Db) -> Iterator[audit.RowTold]:
    """Yields all rows as `latchkey audit list --json` tells them."""
    return map(audit.as_json, audit.everything(db))


def lines(values: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yields JSON lines; where one cannot be made, the last says why."""
    try:
        for value in values:
            yield _line(value)
    except LatchkeyError as error:
        yield _line({"ok": False, "code": code_of(error).value, "message": str(error)})


def in_lots(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields many of them as one: each lot is a turn in the line of those who read."""
    while lot := b"".join(islice(pieces, LOT)):
        yield lot


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
