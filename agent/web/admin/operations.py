"""What can be asked of the page beyond the verbs, each said once: its route and its place in the document come of it.

PUNCHES = Operation("GET", "attendance/punches/{person}", "Somebody's punches of a day.",
                    verb="report", query=Day, result=Punches)
OPERATIONS = (PUNCHES,)

def routes(front):
    async def punches(request, session):
        told: Day = request.state.query
        ...
        return PUNCHES.answered(found)

    return [PUNCHES.route(front, punches)]
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.errors import CommandError
from agent.moments import believable
from agent.mqtt.message import Code
from agent.mqtt.wire import explain
from agent.web.admin.answers import Endpoint, in_words
from agent.web.admin.bodies import JSON, LONGEST_BODY, body_of, json_body
from agent.web.admin.front import Front, Signed
from agent.web.admin.sessions import Session

ROOT: Final = "/admin/api/"
EVENTS: Final = "text/event-stream"
PICTURES: Final = "multipart/x-mixed-replace"
ENDLESS: Final = (EVENTS, PICTURES)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _written(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[-+.0-9]*", value):
        raise ValueError("want a time as in 2026-11-26T08:00:00+01:00, not a number")
    return value


Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(believable)]
"""A time in a query: with an offset, and near enough to reckon with."""


class Query(BaseModel):
    """What stands behind the question mark; what is left empty there is not told.

    A field that is a tuple may stand there more than once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """Nothing."""


@dataclass(frozen=True)
class Operation:
    """A method and a path, who may, what it takes and what comes of it.

    Attributes:
        method: of HTTP.
        path: below `/admin/api/`; what is in braces is in `request.path_params`.
        told: what it does, a sentence for people.
        verb: whose askers may; None: whoever has signed in, or everybody, see `public`.
        query: validated before the answer is asked for: `request.state.query`.
        body: the model of its JSON, or the media type of bytes that are taken as they are: `request.state.body`.
        result: type of its JSON (a model, dataclass, TypedDict, ...) or media type; None: nothing, 204.
        longest: bytes of a body.
        status: of its answer.
        public: also who has not signed in.
    """

    method: Method
    path: str
    told: str
    verb: str | None = None
    query: type[Query] = NoQuery
    body: type[BaseModel] | str | None = None
    result: Any = None
    longest: int = LONGEST_BODY
    status: int = 200
    public: bool = False

    def route(self, front: Front, answer: Signed) -> Route:
        """Returns the route to an answer for those who have signed in."""

        async def checked(request: Request, session: Session) -> Response:
            await self._read(request)
            if self.body is not None:
                front.check_stands(session)
            return await answer(request, session)

        return self._route(front.signed(self.verb, checked))

    def public_route(self, answer: Endpoint) -> Route:
        """Returns the route to an answer for everybody."""

        async def checked(request: Request) -> Response:
            await self._read(request)
            return await answer(request)

        return self._route(in_words(checked))

    def answered(self, result: Any) -> Response:
        """Returns a result as JSON, or nothing where there is none to be."""
        if self.result is None:
            return Response(status_code=204)
        return Response(self.result_type.dump_json(result), self.status, media_type=JSON)

    @cached_property
    def result_type(self) -> TypeAdapter[Any]:
        """What makes JSON of a result, and its schema."""
        return TypeAdapter(self.result)

    @cached_property
    def many(self) -> frozenset[str]:
        """The names that may stand in the query more than once."""
        told = self.query.model_json_schema().get("properties", {})
        return frozenset(name for name, schema in told.items() if schema.get("type") == "array")

    def _route(self, endpoint: Callable[..., Any]) -> Route:
        return Described(ROOT + self.path, endpoint, methods=[self.method], operation=self)

    async def _read(self, request: Request) -> None:
        request.state.query = self._query(request)
        if isinstance(self.body, str):
            request.state.body = await body_of(request, self.body, self.longest)
        elif self.body is not None:
            told = json.dumps(await json_body(request, self.longest))
            request.state.body = _valid(self.body.model_validate_json, told)

    def _query(self, request: Request) -> Query:
        found: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if not value and name in self.query.model_fields:
                continue
            if name in self.many:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise CommandError(Code.BAD_REQUEST, f"{name[:40]}: once is enough")
            else:
                found[name] = value
        query: Query = _valid(self.query.model_validate, found)
        return query


class Described(Route):
    """The route of an operation."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: list[str], operation: Operation) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.operation = operation
        if operation.result in ENDLESS and self.methods is not None:
            self.methods.discard("HEAD")  # it would listen for ever to what nobody is told


def names_in(path: str) -> list[tuple[str, str]]:
    """Returns the names in braces in a path, each with its converter, as Starlette has them."""
    return re.findall(r"{(\w+)(?::(\w+))?}", path)


def _valid(validate: Callable[[Any], Any], told: Any) -> Any:
    try:
        return validate(told)
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, explain(error)) from None
