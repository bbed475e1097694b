"""What the view of attendance asks beyond the verbs: today, months, files, and corrections by the clock on the wall."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.attendance.walltime import WallTimeError, instant
from agent.errors import CommandError
from agent.mqtt.message import Code, Message
from agent.mqtt.telemetry import timestamp
from agent.mqtt.wire import Result
from agent.reports.board import BoardTold
from agent.reports.everybody import LotTold, lot_json
from agent.reports.exported import Kind
from agent.reports.leaving import leaves, told_of
from agent.reports.month import MonthTold, YearTold, month_json, year_json
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.web.admin.answers import answered
from agent.web.admin.asked import File, OfMonth, OfYear, Seen, kinds_of
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation, Query
from agent.web.admin.sessions import Session
from agent.web.admin.today import Today

LONGEST_CORRECTION: Final = 4096  # bytes


class Correction(Message):
    """As of the verb `correct`; a time without an offset is one of the clock on the wall."""

    model_config = ConfigDict(extra="allow")

    at: Annotated[str, Field(max_length=64)] | None = None


class Now(BoardTold):
    """How things stand."""

    mark: str  # of what has happened so far


class Unchanged(TypedDict):
    """Nothing has happened since this mark."""

    mark: str


class MonthOfOne(MonthTold):
    """The days of a month of a person."""

    month: str
    kinds: list[Kind]  # of files that there are


class MonthOfAll(LotTold):
    """Some people's month."""

    month: str
    kinds: list[Kind]  # of files that there are; with the first lot


def _reads(path: str, told: str, query: type[Query], result: Any) -> Operation:
    return Operation("GET", f"attendance/{path}", told, verb="report", query=query, result=result)


TODAY: Final = _reads("today", "Who is in, and how the day goes.", Seen, Now | Unchanged)
MONTH: Final = _reads("month", "The days of a month.", OfMonth, MonthOfOne | MonthOfAll)
YEAR: Final = _reads("year", "Somebody's months.", OfYear, YearTold)
EXPORT: Final = _reads(
    "export", "A month as a file; the audit tells who has taken it away.", File, "application/octet-stream"
)
CORRECT: Final = Operation(
    "POST",
    "attendance/correct",
    "Corrects a punch, or adds one.",
    verb="correct",
    body=Correction,
    result=Result,
    longest=LONGEST_CORRECTION,
)
OPERATIONS: Final = (TODAY, MONTH, YEAR, EXPORT, CORRECT)


def routes(front: Front) -> list[Route]:
    """Returns what the view asks beyond the verbs."""
    desk = _Desk(front)
    return [
        TODAY.route(front, desk.today),
        MONTH.route(front, desk.month),
        YEAR.route(front, desk.year),
        EXPORT.route(front, desk.export),
        CORRECT.route(front, desk.correct),
    ]


class _Desk:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._today = Today(front.agent.config.device.name)

    async def today(self, request: Request, _: Session) -> Response:
        asked: Seen = request.state.query
        body = await self._front.beside.read(lambda db: self._today.told(db, asked.seen))
        return Response(body, media_type="application/json")

    async def month(self, request: Request, session: Session) -> Response:
        asked: OfMonth = request.state.query
        at, reasons = datetime.now(UTC), session.may("correct")  # they may be private: who may say one may see them

        def read(db: Db) -> MonthOfOne | MonthOfAll:
            rules = load_rules(db)
            first, last = asked.days(at, rules.zone)
            month, kinds = f"{first:%Y-%m}", [] if asked.after else kinds_of(db, asked.person)
            if asked.person:
                one = month_json(db, rules, first, last, at=at, person=asked.person, reasons=reasons)
                return MonthOfOne(**one, month=month, kinds=kinds)
            lot = lot_json(db, rules, first, last, at=at, after=asked.after or "")
            return MonthOfAll(**lot, month=month, kinds=kinds)

        return MONTH.answered(await self._front.beside.read(read))

    async def year(self, request: Request, _: Session) -> Response:
        asked: OfYear = request.state.query
        at = datetime.now(UTC)

        def read(db: Db) -> YearTold:
            return year_json(db, load_rules(db), asked.year, at=at, person=asked.person)

        return YEAR.answered(await self._front.beside.read(read))

    async def export(self, request: Request, session: Session) -> Response:
        file: File = request.state.query
        asked, write = self._front.request(session), self._front.agent.recorder.write

        def pieces(db: Db) -> Iterator[bytes]:
            made, people = file.pieces(db, asked.at), told_of(db, file.person)
            first = next(made)  # what is refused has not left
            write(lambda db: leaves(db, asked, kind=file.kind, month=file.month, people=people, person=file.person))
            yield first
            yield from made

        return await self._front.beside.stream(pieces, file.headers)

    async def correct(self, request: Request, session: Session) -> Response:
        told = request.state.body.model_dump(exclude_unset=True)
        at = told.get("at")
        if isinstance(at, str):
            zone = (await self._front.read(load_rules)).zone
            try:
                told["at"] = timestamp(instant(at, zone))
            except WallTimeError as error:
                said = {"ok": False, "code": Code.BAD_REQUEST, "message": str(error), "readings": error.readings}
                return JSONResponse(said, HTTPStatus.UNPROCESSABLE_ENTITY)
            except ValueError as error:
                raise CommandError(Code.BAD_REQUEST, str(error)) from error
        return answered(await self._front.ask(session, "correct", told | {"by": session.name}))
