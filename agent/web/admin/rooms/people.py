"""What the view of people asks beyond the verbs: a page of the list, one person whole, and what enrolling needs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from agent.access.holder import State
from agent.members import shown
from agent.mqtt.message import MAX_PHOTOS
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.store.directory import Basis, Lack, Numbers, Order, Wanted
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation, Query
from agent.web.admin.rooms import enrolling
from agent.web.admin.sessions import Session

MOST_LISTED: Final = 200  # people of a page


class Looked(Query):
    """Who is looked for, as the address says it."""

    search: Annotated[str, Field(max_length=128)] = ""
    group: Annotated[str, Field(max_length=64)] = ""
    state: State | None = None
    lacks: Lack | None = None
    order: Order = Order.NAME
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 50


class Crop(TypedDict):
    """A picture."""

    jpeg: str  # base64


class About(Numbers):
    """How many people there are, and what of the configuration the view has to know."""

    model: str  # that is compared
    consent_text: str  # name and version of the text
    require_consent: bool
    kiosk: bool  # there is a page at the door
    keep_crops: bool
    most_photos: int
    zone: str


FOUND: Final = Operation("GET", "people", "Who is looked for.", verb="list", query=Looked, result=shown.Page)
ABOUT: Final = Operation("GET", "people/about", "The numbers above the list.", verb="list", result=About)
ONE: Final = Operation("GET", "people/one/{person}", "Everything of somebody.", verb="person", result=shown.Whole)
CROP: Final = Operation(
    "POST",
    "people/one/{person}/crop/{template:int}",
    "A picture that a template was made of; the audit tells who has looked.",
    verb="templates",
    result=Crop,
)
OPERATIONS: Final = (FOUND, ABOUT, ONE, CROP, *enrolling.OPERATIONS)


def routes(front: Front) -> list[Route]:
    """Returns what the view asks beyond the verbs."""
    room = _Room(front)
    return [
        FOUND.route(front, room.found),
        ABOUT.route(front, room.about),
        ONE.route(front, room.one),
        CROP.route(front, room.crop),
        *enrolling.routes(front),
    ]


class _Room:
    def __init__(self, front: Front) -> None:
        self._front, self._bundle = front, front.bundle

    async def found(self, request: Request, _: Session) -> Response:
        """Who is looked for."""
        wanted = Wanted(**dict(request.state.query))
        return FOUND.answered(await self._front.read(lambda db: shown.found(db, wanted, self._basis())))

    async def about(self, _: Request, __: Session) -> Response:
        """The numbers above the list, and what of the configuration the view has to know."""
        config = self._front.agent.config

        def look(db: Db) -> About:
            return {
                **shown.numbers(db, self._basis()),
                "model": self._bundle.model_id,
                "consent_text": config.privacy.consent_text,
                "require_consent": config.privacy.require_consent,
                "kiosk": config.web.enabled,
                "keep_crops": config.security.keep_crops,
                "most_photos": MAX_PHOTOS,
                "zone": load_rules(db).zone.key,
            }

        return ABOUT.answered(await self._front.read(look))

    async def one(self, request: Request, session: Session) -> Response:
        """Everything of somebody."""
        person, limits = request.path_params["person"], self._bundle.limits
        sees = {"templates": session.may("templates"), "visits": session.may("log")}
        return ONE.answered(await self._front.read(lambda db: shown.whole(db, person, self._basis(), limits, **sees)))

    async def crop(self, request: Request, session: Session) -> Response:
        """A picture that a template was made of; that somebody has looked is in the audit."""
        person, template = request.path_params["person"], request.path_params["template"]
        agent = self._front.agent
        asked = self._front.request(session)

        def look() -> bytes:
            return agent.recorder.write(lambda db: shown.crop(db, person, template, asked))

        return JSONResponse({"jpeg": base64.b64encode(await self._front.do(look)).decode()})

    def _basis(self) -> Basis:
        return shown.basis(self._bundle.model_id, datetime.now(UTC))
