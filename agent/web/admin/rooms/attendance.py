"""What the view of attendance asks beyond the verbs: today, months, files, and corrections by the clock on the wall."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.attendance.walltime import WallTimeError, instant
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.reports.everybody import lot_json
from agent.reports.month import month_json, year_json
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.web.admin.asked import Asked, kinds_of
from agent.web.admin.front import Front, answered, json_body
from agent.web.admin.sessions import Session
from agent.web.admin.today import Today

LONGEST_CORRECTION: Final = 4096  # bytes


def routes(front: Front) -> list[Route]:
    """Returns what the view asks beyond the verbs."""
    desk = _Desk(front)
    paths = {"today": desk.today, "month": desk.month, "year": desk.year, "export": desk.export}
    return [
        *(Route(f"/admin/api/attendance/{path}", front.signed("report", answer)) for path, answer in paths.items()),
        Route("/admin/api/attendance/correct", front.signed("correct", desk.correct), methods=["POST"]),
    ]


class _Desk:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._today = Today(front.agent.config.device.name)

    async def today(self, request: Request, _: Session) -> Response:
        seen = Asked(request, "seen").text("seen")
        body = await self._front.beside.read(lambda db: self._today.told(db, seen))
        return Response(body, media_type="application/json")

    async def month(self, request: Request, session: Session) -> Response:
        asked = Asked(request, "month", "person", "after")
        person, after = asked.person("person"), asked.person("after")
        reasons = session.may("correct")  # they may be private: who may say one may see them

        def read(db: Db) -> dict[str, object]:
            rules = load_rules(db)
            first, last = asked.month(rules.zone)
            told = {"month": f"{first:%Y-%m}", "kinds": kinds_of(db, person)}
            if person:
                return told | month_json(db, rules, first, last, at=asked.at, person=person, reasons=reasons)
            return told | lot_json(db, rules, first, last, at=asked.at, after=after or "")

        return JSONResponse(await self._front.beside.read(read))

    async def year(self, request: Request, _: Session) -> Response:
        asked = Asked(request, "year", "person")
        person, year = asked.person("person"), asked.year()
        if person is None:
            raise CommandError(Code.BAD_REQUEST, "person: say whose year")

        def read(db: Db) -> dict[str, object]:
            return year_json(db, load_rules(db), year, at=asked.at, person=person)

        return JSONResponse(await self._front.beside.read(read))

    async def export(self, request: Request, _: Session) -> Response:
        file = Asked(request, "month", "person", "kind").file()
        return await self._front.beside.stream(file.pieces, file.headers)

    async def correct(self, request: Request, session: Session) -> Response:
        told = await json_body(request, LONGEST_CORRECTION)
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
