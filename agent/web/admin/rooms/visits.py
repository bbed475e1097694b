"""What the view of the door asks of the past: the visits that are looked for, one of them, and the numbers to plot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.figures import FiguresTold, figures
from agent.mqtt.message import Code
from agent.store import past, undone
from agent.store.db import Db
from agent.types import Event
from agent.web.admin.answers import refused
from agent.web.admin.front import Front
from agent.web.admin.lookout import EventTold, event_json
from agent.web.admin.operations import Moment, Operation, Query
from agent.web.admin.sessions import Session

WHO: Final = ("person", "second", "companion")
LONGEST_WORD: Final = 128


class Asked(Query):
    """Which visits, as the address of the request has it."""

    kind: Annotated[str, Field(max_length=32)] = ""
    person: Annotated[str, Field(max_length=64)] | None = None
    outcome: Annotated[str, Field(max_length=32)] | None = None
    reason: Annotated[str, Field(max_length=32)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: Annotated[str, Field(max_length=LONGEST_WORD)] | None = None
    before: Annotated[int, Field(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Span(Query):
    """Of how many days."""

    days: Annotated[int, Field(ge=1, le=90)] = 14


class Past(TypedDict):
    """A page of what happened."""

    events: list[EventTold]
    names: dict[str, str]  # of people, by id
    before: int | None  # to go on with; None: these were the last
    looked_back_to: str | None  # it was looked so far, and there may be more


class Visit(TypedDict):
    """An event, and what came of it."""

    event: EventTold
    boot_id: str  # of the run of the agent
    made: list[EventTold]  # the events that it has led to
    names: dict[str, str]
    undone: bool  # it was taken back


VISITS: Final = Operation("GET", "live/visits", "What happened, newest first.", verb="log", query=Asked, result=Past)
VISIT: Final = Operation("GET", "live/visits/{id}", "One of them, and what came of it.", verb="log", result=Visit)
FIGURES: Final = Operation("GET", "live/figures", "The numbers to plot.", verb="log", query=Span, result=FiguresTold)
OPERATIONS: Final = (VISITS, VISIT, FIGURES)


def routes(front: Front) -> list[Route]:
    """Returns `/admin/api/live/visits`, one of them, and `/admin/api/live/figures`."""

    async def found(request: Request, session: Session) -> Response:
        asked: Asked = request.state.query
        hidden = () if session.may("audit") else ("audit",)
        wanted = past.Wanted(
            kinds=(asked.kind,) if asked.kind else (),
            hidden=hidden,
            **asked.model_dump(exclude={"kind", "before", "limit"}),
        )
        return JSONResponse(await front.beside.read(lambda db: _page(db, wanted, asked)))

    async def one(request: Request, session: Session) -> Response:
        told = await front.read(lambda db: _visit(db, request.path_params["id"]))
        if told is None or (told["event"]["kind"] == "audit" and not session.may("audit")):
            return refused(Code.UNKNOWN_EVENT, "there is no such event: it was none, or is forgotten")
        return JSONResponse(told)  # whole: pydantic leaves out what an event has beside `EventTold`

    async def numbers(request: Request, _: Session) -> Response:
        span: Span = request.state.query
        zone = front.agent.porch.entrance.keeper.rules.zone
        return FIGURES.answered(await front.beside.read(lambda db: figures(db, span.days, datetime.now(UTC), zone)))

    return [VISITS.route(front, found), VISIT.route(front, one), FIGURES.route(front, numbers)]


def _page(db: Db, wanted: past.Wanted, asked: Asked) -> Past:
    page = past.page(db, wanted, before=asked.before, limit=asked.limit)
    return {
        "events": [event_json(event) for event in page.events],
        "names": _names(db, page.events),
        "before": page.before,
        "looked_back_to": page.looked_back_to.isoformat() if page.looked_back_to else None,
    }


def _visit(db: Db, which: str) -> Visit | None:
    event = undone.find_event(db, which)
    if event is None:
        return None
    made = past.made_by(db, event)
    return {
        "event": event_json(event),
        "boot_id": event.boot_id,
        "made": [event_json(each) for each in made],
        "names": _names(db, [event, *made]),
        "undone": undone.is_undone(db, event.id),
    }


def _names(db: Db, events: list[Event]) -> dict[str, str]:
    return past.names(db, [event.body.get(who) for event in events for who in WHO])
