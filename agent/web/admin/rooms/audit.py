"""What the view of the audit asks beyond the verbs: rows by what they say, the whole as a file, and the check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.mqtt.message import LARGEST
from agent.mqtt.verbs.privacy import Anchored
from agent.privacy.chain import Anchor
from agent.store import audit, audit_search
from agent.store.audit_check import AuditCheck, Checked
from agent.store.db import Db
from agent.web.admin.front import Front
from agent.web.admin.operations import Moment, Operation, Query
from agent.web.admin.query import LINES, LongAnswers, Text, file_name
from agent.web.admin.sessions import Session


class Looked(Query):
    """Which rows are looked for."""

    action: Text = ""
    by: Text = ""
    subject: Text = ""
    text: Text = ""
    since: Moment | None = None
    until: Moment | None = None
    before: Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | None = None  # a row's number: those below it
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Checks(Query):
    """Against what the chain is checked."""

    anchor: Anchored | None = None


ROWS: Final = Operation(
    "GET", "audit/rows", "Rows by what they say.", verb="audit", query=Looked, result=dict[str, Any]
)
CHECK: Final = Operation("GET", "audit/check", "Whether the chain holds.", verb="audit", query=Checks, result=LINES)
EXPORT: Final = Operation("GET", "audit/export", "All rows.", verb="audit", result=LINES)
OPERATIONS: Final = (ROWS, CHECK, EXPORT)


def routes(front: Front, long: LongAnswers) -> list[Route]:
    """Returns what the view asks."""

    async def rows(request: Request, _: Session) -> Response:
        looked: Looked = request.state.query
        return JSONResponse(await front.read(lambda db: found(db, looked)))

    async def check(request: Request, _: Session) -> Response:
        anchor = request.state.query.anchor
        return long.lines(checked(front, AuditCheck(Anchor.parse(anchor) if anchor else None)))

    async def export(_: Request, __: Session) -> Response:
        device = front.agent.config.device
        return long.lines(everything(front), file=file_name(device.site, device.name, "audit.jsonl"))

    return [ROWS.route(front, rows), CHECK.route(front, check), EXPORT.route(front, export)]


def found(db: Db, looked: Looked) -> dict[str, Any]:
    """Returns a page of rows; the first also with what was done lately, and the head of the chain."""
    wanted = audit_search.Wanted(**looked.model_dump(exclude={"before", "limit"}))
    page = audit_search.page(db, wanted, before=looked.before, limit=looked.limit)
    told: dict[str, Any] = {"rows": [audit.as_json(row) for row in page.rows], "before": page.before}
    if looked.before is None:
        told |= {"actions": audit_search.actions(db), "head": str(audit.head(db))}
    return told


async def checked(front: Front, check: AuditCheck) -> AsyncIterator[dict[str, Any]]:
    """Yields how far a check is, the end last; others are served between its steps."""
    step: Checked | None = None
    while step is None or not step.over:
        step = await front.read(check.step)
        told: dict[str, Any] = {"done": step.done, "of": step.of}
        if step.over:
            told |= {"head": str(step.head), "broken": None if step.broken is None else asdict(step.broken)}
        yield told


async def everything(front: Front) -> AsyncIterator[dict[str, Any]]:
    """Yields all rows as `latchkey audit list --json` tells them, the oldest first."""
    beyond = -LARGEST
    while page := await front.read(lambda db: audit.since(db, beyond)):  # noqa: B023 - awaited before it changes
        for row in page:
            yield audit.as_json(row)
        beyond = page[-1].number
